node_ip is IPv4.
--- input
hosts: [{address: 10.0.0.11, node_ip: "fd00::1"}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:39: node_ip is 'fd00::1', expected an IPv4 address
