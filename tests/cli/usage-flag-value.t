A flag with a value.
--- input
hosts: [10.0.0.11]
--- arguments
plan --offline=yes hosts.yaml
--- exit
2
--- message
bigtop-bootstrap plan: --offline takes no value
  see: bigtop-bootstrap plan --help
