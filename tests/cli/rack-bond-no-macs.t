A bond without its cards.
--- input
rack: {cidr: 10.9.0.0/24}
hosts:
- {address: 10.9.0.11, bond: {mode: 802.3ad}}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:30: macs is missing, expected a list of cards such as [52:54:00:00:00:0b, 52:54:00:00:00:0c]
