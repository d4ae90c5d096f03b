A service network below /28.
--- input
cluster: {service_cidr: 10.96.0.0/29}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:25: service_cidr 10.96.0.0/29 is too small, expected a network from /12 to /28
