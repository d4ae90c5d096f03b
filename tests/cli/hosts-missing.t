hosts is required.
--- input
network: flannel
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:1: hosts is missing, expected a list of addresses or mappings
