A merge key.
--- input
hosts:
  - {<<: {port: 22}, address: 10.0.0.11}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:6: unknown key '<<'
