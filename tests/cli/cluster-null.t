A section without keys.
--- input
cluster:
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:9: cluster is empty, expected a mapping of cluster keys
