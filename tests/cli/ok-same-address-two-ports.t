Two hosts behind one address, on two ports.
--- input
hosts: [{address: 10.0.0.1, port: 2201}, {address: 10.0.0.1, port: 2202}]
--- arguments
plan --offline hosts.yaml
--- exit
0
--- message
cluster bigtop: pods 10.244.0.0/16, services 10.96.0.0/12, network by the bundle, storage local-path
  10.0.0.1         root@10.0.0.1:2201  control plane
  10.0.0.1         root@10.0.0.1:2202  worker
