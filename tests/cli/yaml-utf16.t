UTF-16, which libyaml would take.
--- input python
"hosts: [10.0.0.11]\n".encode("utf-16")
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:1: invalid leading UTF-8 octet, expected UTF-8 text
