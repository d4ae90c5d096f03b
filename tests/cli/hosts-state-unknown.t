An unknown state.
--- input
hosts: [{address: 10.0.0.11, state: gone}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:37: state is 'gone', expected present or absent
