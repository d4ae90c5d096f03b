A repeated key.
--- input
hosts: [10.0.0.11]
network: flannel
network: flannel
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:1: duplicate key "network", it is in line 2 already
