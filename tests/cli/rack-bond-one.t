A bond of one card.
--- input
rack: {cidr: 10.9.0.0/24}
hosts:
- {address: 10.9.0.11, bond: {macs: ["52:54:00:00:00:0b"]}}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:37: a bond of 1 cards, expected 2 to 8
