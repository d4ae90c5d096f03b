A network with host bits set.
--- input
cluster: {pod_cidr: 10.244.0.1/16}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:21: pod_cidr is '10.244.0.1/16', expected an IPv4 network such as 10.244.0.0/16
