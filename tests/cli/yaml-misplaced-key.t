A key that is right elsewhere: told where.
--- input
hosts: [10.0.0.11]
pod_cidr: 10.1.0.0/16
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:1: key 'pod_cidr' does not belong here, expected it under cluster
