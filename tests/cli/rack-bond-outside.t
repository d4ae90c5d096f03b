Cards as one without a network for their address.
--- input
hosts:
- {address: 10.9.0.11, bond: {macs: ["52:54:00:00:00:0b", "52:54:00:00:00:0c"]}}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:30: bond of 10.9.0.11 without a network for its address, expected rack: {cidr: ...}
