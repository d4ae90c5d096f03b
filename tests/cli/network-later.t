Canal comes later.
--- input
hosts: [10.0.0.11]
network: canal
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:10: network 'canal' comes with a later release, expected flannel
