Node names are lower case.
--- input
hosts: [{address: 10.0.0.11, name: Node1}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:36: name is 'Node1', expected lower-case letters, digits and '-', at most 63
