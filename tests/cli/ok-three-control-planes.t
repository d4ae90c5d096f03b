Several control planes, one of which is to leave.
--- input
hosts:
  - {address: 10.0.0.11, roles: [control-plane], state: absent}
  - {address: 10.0.0.12, roles: [control-plane]}
  - {address: 10.0.0.13, roles: [control-plane, worker]}
--- arguments
plan --offline hosts.yaml
--- exit
0
--- message
cluster bigtop: pods 10.244.0.0/16, services 10.96.0.0/12, network by the bundle, storage local-path
  10.0.0.11        root@10.0.0.11:22  leaves the cluster
  10.0.0.12        root@10.0.0.12:22  control plane
  10.0.0.13        root@10.0.0.13:22  control plane and worker
