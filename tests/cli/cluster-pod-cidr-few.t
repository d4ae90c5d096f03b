Too few /24 for the hosts.
--- input
cluster: {pod_cidr: 10.244.0.0/23}
hosts: [10.0.0.11, 10.0.0.12, 10.0.0.13]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:21: pod_cidr 10.244.0.0/23 has room for 2 host(s) with a /24 each, expected room for 3
