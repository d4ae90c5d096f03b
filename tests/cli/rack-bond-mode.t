A mode that needs more of a switch than we can say.
--- input
rack: {cidr: 10.9.0.0/24}
hosts:
- {address: 10.9.0.11, bond: {macs: ["52:54:00:00:00:0b", "52:54:00:00:00:0c"], mode: balance-rr}}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:87: mode is 'balance-rr', expected active-backup or 802.3ad
