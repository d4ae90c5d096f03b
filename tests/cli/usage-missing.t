A missing argument.
--- input none
--- arguments
plan
--- exit
2
--- message
bigtop-bootstrap plan: an argument is missing: HOSTS.YAML
  see: bigtop-bootstrap plan --help
