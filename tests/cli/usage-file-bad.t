A file alone means apply, which checks it first.
--- input
hosts: []
--- arguments
hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:8: hosts is an empty list, expected a list of addresses or mappings
