So may a default.
--- input
hosts:
  - 10.100.0.11
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:5: address 10.100.0.11 lies inside service_cidr 10.96.0.0/12, expected it outside
  remedy: set cluster: {service_cidr: ...} to a network that nothing else uses
