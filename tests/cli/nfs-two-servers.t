One NFS server.
--- input
hosts:
  - {address: 10.0.0.11, nfs: {export: /srv/a}}
  - {address: 10.0.0.12, nfs: {export: /srv/b}}
storage: nfs
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:31: a second NFS server beside 10.0.0.11, expected one
