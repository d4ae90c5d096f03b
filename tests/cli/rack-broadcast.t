The broadcast address as the way out.
--- input
rack: {cidr: 10.9.0.0/24, gateway: 10.9.0.255}
hosts: [10.9.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:36: gateway 10.9.0.255 is no address of cidr 10.9.0.0/24
