storage is one word.
--- input
hosts: [10.0.0.11]
storage: [local-path]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:10: storage is a list, expected local-path or none
