A virtual IP among the pods' addresses.
--- input
cluster: {virtual_ip: 10.244.3.4}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:23: virtual_ip 10.244.3.4 lies inside pod_cidr 10.244.0.0/16, expected it outside
