Every key of the file together.
--- input
cluster:
  name: edge-7
  endpoint: api.example.com
  pod_cidr: 10.200.0.0/16
  service_cidr: 10.201.0.0/16
  dns_domain: edge.example.com
network: flannel
storage: none
bundle: ./bundle
known_hosts: known_hosts
defaults: {user: admin, port: 2222, key: ~/.ssh/edge, sudo: password, sudo_password: "s3cret 'x'", labels: {rack: r1}}
hosts:
  - address: n1.example.com
    roles: [control-plane, worker]
    host_key: SHA256:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE
  - {address: "2001:DB8::1", name: n2, port: 22, user: root, key: k, password: x, sudo: auto, node_ip: 10.0.0.2, labels: {rack: "", disks/ssd: true, version: 1.10}, taints: ["dedicated=db:NoSchedule", "slow:PreferNoSchedule"], host_key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"}
  - {address: 10.0.0.3, state: absent}
--- arguments
plan --offline hosts.yaml
--- exit
0
--- message
cluster edge-7: pods 10.200.0.0/16, services 10.201.0.0/16, network flannel, storage none
  n1               admin@n1.example.com:2222  control plane and worker
  n2               root@[2001:db8::1]:22  worker
  10.0.0.3         admin@10.0.0.3:2222  leaves the cluster
