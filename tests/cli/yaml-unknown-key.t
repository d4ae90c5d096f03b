An unknown key is named, with the nearest known one.
--- input
hosts: [10.0.0.11]
netwrk: flannel
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:1: unknown key 'netwrk', did you mean 'network'?
