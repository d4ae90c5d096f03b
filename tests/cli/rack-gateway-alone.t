A way out of no network.
--- input
rack: {gateway: 10.9.0.1}
hosts: [10.9.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:17: gateway without the network that it is in, expected cidr beside it
