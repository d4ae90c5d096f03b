An option twice.
--- input
hosts: [10.0.0.11]
--- arguments
plan --bundle a --bundle b hosts.yaml
--- exit
2
--- message
bigtop-bootstrap plan: --bundle is given twice
  see: bigtop-bootstrap plan --help
