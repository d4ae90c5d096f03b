A repeated key in a host.
--- input
hosts:
  - address: 10.0.0.11
    port: 22
    address: 10.0.0.12
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:4:5: duplicate key "address", it is in line 2 already
