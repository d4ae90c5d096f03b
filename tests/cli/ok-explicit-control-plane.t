A role that is given moves the control plane away from the first host.
--- input
hosts: [10.0.0.11, {address: 10.0.0.12, roles: [control-plane]}]
--- arguments
plan --offline hosts.yaml
--- exit
0
--- message
cluster bigtop: pods 10.244.0.0/16, services 10.96.0.0/12, network by the bundle, storage local-path
  10.0.0.11        root@10.0.0.11:22  worker
  10.0.0.12        root@10.0.0.12:22  control plane
