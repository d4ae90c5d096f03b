Taking the only control plane away is a reset.
--- input
hosts: [{address: 10.0.0.11, state: absent}, 10.0.0.12]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:37: the only control plane is absent, expected one to be present
  remedy: to take the whole cluster down: bigtop-bootstrap reset hosts.yaml
