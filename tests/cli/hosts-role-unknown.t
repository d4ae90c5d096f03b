An unknown role.
--- input
hosts: [{address: 10.0.0.11, roles: [master]}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:38: role is 'master', expected control-plane or worker
