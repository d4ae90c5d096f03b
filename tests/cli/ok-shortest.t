One key is a complete file: the first host is the control plane.
--- input
hosts: [10.0.0.11, 10.0.0.12, 10.0.0.13]
--- arguments
plan --offline hosts.yaml
--- exit
0
--- message
cluster bigtop: pods 10.244.0.0/16, services 10.96.0.0/12, network by the bundle, storage local-path
  10.0.0.11        root@10.0.0.11:22  control plane
  10.0.0.12        root@10.0.0.12:22  worker
  10.0.0.13        root@10.0.0.13:22  worker
