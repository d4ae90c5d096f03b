A way to find what is given.
--- input
hosts:
- {address: 10.9.0.11, serial: S1}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:32: serial beside address, expected one of them: it is to find the address
