storage is one word or several.
--- input
hosts:
  - 10.0.0.11
  - {address: 10.0.0.12, nfs: {export: /srv/nfs}}
storage: [openebs, nfs]
--- arguments
plan --offline hosts.yaml
--- exit
0
--- message
cluster bigtop: pods 10.244.0.0/16, services 10.96.0.0/12, network by the bundle, storage openebs, nfs
  10.0.0.11        root@10.0.0.11:22  control plane
  10.0.0.12        root@10.0.0.12:22  worker
