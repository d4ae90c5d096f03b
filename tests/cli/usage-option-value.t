An option without its value.
--- input
hosts: [10.0.0.11]
--- arguments
plan hosts.yaml --bundle
--- exit
2
--- message
bigtop-bootstrap plan: --bundle needs a value: DIR
  see: bigtop-bootstrap plan --help
