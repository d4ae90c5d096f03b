An empty file says what belongs into it.
--- input
# nothing
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:1: hosts is missing, expected a list of addresses or mappings
