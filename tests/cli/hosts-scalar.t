One address that is no list.
--- input
hosts: 10.0.0.11
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:8: hosts is a plain value, expected a list of addresses or mappings
