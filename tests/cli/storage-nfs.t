NFS needs a host that is the server.
--- input
hosts: [10.0.0.11]
storage: nfs
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:10: storage is nfs without a server, expected a host with nfs: {export: /srv/nfs}
