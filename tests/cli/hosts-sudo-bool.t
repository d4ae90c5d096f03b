sudo is a word, not a boolean.
--- input
hosts: [{address: 10.0.0.11, sudo: true}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:36: sudo is 'true', expected auto, none or password
