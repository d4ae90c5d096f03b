NUL by an escape.
--- input
hosts: ["10.0.0.11\0.example.com"]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:9: value with a NUL character, expected text
