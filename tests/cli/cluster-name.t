A cluster name with a space.
--- input
cluster: {name: my cluster}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:17: name is 'my cluster', expected lower-case letters, digits and '-', at most 63
