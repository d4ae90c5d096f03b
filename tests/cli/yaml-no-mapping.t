A list alone is not a hosts.yaml.
--- input
- 10.0.0.11
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:1: expected a mapping such as hosts: [10.0.0.11]
