Port 65536.
--- input
defaults: {port: 65536}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:18: port is '65536', expected a number from 1 to 65535
