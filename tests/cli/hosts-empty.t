An empty list.
--- input
hosts: []
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:8: hosts is an empty list, expected a list of addresses or mappings
