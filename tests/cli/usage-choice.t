A word that is no choice.
--- input
hosts: [10.0.0.11]
--- arguments
plan --output xml hosts.yaml
--- exit
2
--- message
bigtop-bootstrap plan: --output is 'xml', expected auto, plain, live or json
  see: bigtop-bootstrap plan --help
