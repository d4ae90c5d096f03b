A control character in a path.
--- input
hosts: [{address: 10.0.0.11, key: "a\u0007b"}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:35: key is 'a\x07b', expected a path
