A pod network of loopback addresses.
--- input
cluster: {pod_cidr: 127.0.0.0/16}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:21: pod_cidr 127.0.0.0/16 holds loopback, link-local, multicast or reserved addresses, expected a private network
