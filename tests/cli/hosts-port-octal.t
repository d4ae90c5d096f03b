A port in octal.
--- input
hosts: [{address: 10.0.0.11, port: 0o26}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:36: port is '0o26', expected a number from 1 to 65535
