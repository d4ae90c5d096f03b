NUL.
--- input python
b"hosts: [10.0.0.11]\nnetwork: fla\0nnel\n"
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:13: control character 0x00, expected text
