A password in a file that only its owner can read.
--- input mode=0600
hosts: [{address: 10.0.0.11, password: hunter2}]
--- arguments
plan --offline hosts.yaml
--- exit
0
--- message
cluster bigtop: pods 10.244.0.0/16, services 10.96.0.0/12, network by the bundle, storage local-path
  10.0.0.11        root@10.0.0.11:22  control plane
