Nothing behind the colon.
--- input
hosts:
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:7: hosts is empty, expected a list of addresses or mappings
