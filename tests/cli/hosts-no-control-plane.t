Only workers.
--- input
hosts:
  - {address: 10.0.0.11, roles: [worker]}
  - 10.0.0.12
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:3: no host is a control plane, expected one with roles: [control-plane]
