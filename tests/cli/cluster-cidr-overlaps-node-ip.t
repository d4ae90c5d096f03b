The service network holds a node_ip.
--- input
hosts: [{address: n1, node_ip: 10.96.0.5}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:32: node_ip 10.96.0.5 lies inside service_cidr 10.96.0.0/12, expected it outside
  remedy: set cluster: {service_cidr: ...} to a network that nothing else uses
