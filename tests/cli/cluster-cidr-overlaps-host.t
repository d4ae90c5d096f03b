The pod network holds a host.
--- input
cluster:
  pod_cidr: 10.0.0.0/16
hosts:
  - 10.0.0.11
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:4:5: address 10.0.0.11 lies inside pod_cidr 10.0.0.0/16, expected it outside
  remedy: set cluster: {pod_cidr: ...} to a network that nothing else uses
