Pods and services in one network.
--- input
cluster:
  pod_cidr: 10.96.0.0/16
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:13: pod_cidr 10.96.0.0/16 overlaps service_cidr 10.96.0.0/12, expected separate networks
