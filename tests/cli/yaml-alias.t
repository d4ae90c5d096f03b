An alias without an anchor.
--- input
hosts: [*first]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:9: aliases (*) are not allowed, write the value out
