A key that is like no other gets no suggestion.
--- input
hosts: [10.0.0.11]
colour: blue
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:1: unknown key 'colour'
