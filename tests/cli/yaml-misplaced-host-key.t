A host key at the top.
--- input
hosts: [10.0.0.11]
user: admin
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:1: key 'user' does not belong here, expected it under defaults or a host
