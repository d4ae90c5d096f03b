A card without a network for its address.
--- input
hosts:
- {address: 10.9.0.11, mac: "52:54:00:00:00:0B"}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:29: mac of 10.9.0.11 without a network for its address, expected rack: {cidr: ...}
