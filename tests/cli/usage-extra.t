An argument too many.
--- input
hosts: [10.0.0.11]
--- arguments
plan hosts.yaml other.yaml
--- exit
2
--- message
bigtop-bootstrap plan: one argument too many: other.yaml
  see: bigtop-bootstrap plan --help
