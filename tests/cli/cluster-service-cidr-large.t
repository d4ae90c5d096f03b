A service network above /12.
--- input
cluster: {service_cidr: 11.0.0.0/8}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:25: service_cidr 11.0.0.0/8 is too large, expected a network from /12 to /28
