Bytes that are not UTF-8.
--- input python
b"hosts: [10.0.0.11]\nnetwork: \xff\xfe\n"
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:10: invalid leading UTF-8 octet, expected UTF-8 text
