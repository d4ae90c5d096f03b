Two control planes come later: said so.
--- input
hosts:
  - {address: 10.0.0.11, roles: [control-plane]}
  - {address: 10.0.0.12, roles: [control-plane]}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:33: a second control plane beside 10.0.0.11, expected one: several come with a later release
