5,000 hosts are checked in time.
--- input python
b"cluster: {pod_cidr: 10.32.0.0/11, service_cidr: 10.64.0.0/12}\nhosts: [" + b", ".join(b"10.1.%d.%d" % divmod(i, 250) for i in range(5_000)) + b"]\n"
--- arguments
plan --offline hosts.yaml
--- exit
0
--- message
cluster bigtop: pods 10.32.0.0/11, services 10.64.0.0/12, network by the bundle, storage local-path
  10.1.0.0         root@10.1.0.0:22  control plane
  10.1.0.1         root@10.1.0.1:22  worker
[...]
  10.1.19.249      root@10.1.19.249:22  worker
