An unknown network.
--- input
hosts: [10.0.0.11]
network: cilium
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:10: network is 'cilium', expected canal or flannel
