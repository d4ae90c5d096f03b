An option with an empty value.
--- input
hosts: [10.0.0.11]
--- arguments
plan --bundle= hosts.yaml
--- exit
2
--- message
bigtop-bootstrap plan: --bundle is empty, expected DIR
  see: bigtop-bootstrap plan --help
