A network without prefix.
--- input
cluster: {service_cidr: 10.96.0.0}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:25: service_cidr is '10.96.0.0', expected an IPv4 network such as 10.96.0.0/12
