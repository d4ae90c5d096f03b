A host with a card whose address is outside of the rack's network.
--- input
rack: {cidr: 10.9.0.0/24}
hosts:
- {address: 10.9.1.11, mac: "52:54:00:00:00:0b"}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:13: address 10.9.1.11 of a host with a mac is no address of rack's cidr 10.9.0.0/24
