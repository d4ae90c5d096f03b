A port in quotes is text.
--- input
hosts: [{address: 10.0.0.11, port: "22"}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:36: port is text in quotes, expected a number from 1 to 65535
