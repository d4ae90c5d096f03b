A pod network below /24.
--- input
cluster: {pod_cidr: 10.244.0.0/25}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:21: pod_cidr 10.244.0.0/25 is too small, expected a network from /8 to /24
