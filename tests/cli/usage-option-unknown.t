An unknown option, with the nearest.
--- input
hosts: [10.0.0.11]
--- arguments
plan --ofline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap plan: unknown option --ofline, did you mean --offline?
  see: bigtop-bootstrap plan --help
