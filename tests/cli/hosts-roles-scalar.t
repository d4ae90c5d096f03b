roles is a list.
--- input
hosts: [{address: 10.0.0.11, roles: worker}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:37: roles is not a list of roles, expected [control-plane], [worker] or both
