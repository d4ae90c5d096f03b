NFS comes later.
--- input
hosts: [10.0.0.11]
storage: nfs
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:10: storage 'nfs' comes with a later release, expected local-path or none
