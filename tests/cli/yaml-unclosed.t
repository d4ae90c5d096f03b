A bracket that is not closed.
--- input
hosts: [10.0.0.11,
network: flannel
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:1: did not find expected ',' or ']' while parsing a flow sequence
