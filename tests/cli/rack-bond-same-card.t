One card, in two spellings, of two machines' bonds.
--- input
rack: {cidr: 10.9.0.0/24}
hosts:
- {address: 10.9.0.11, bond: {macs: ["52:54:00:00:00:0b", "52:54:00:00:00:0c"]}}
- {address: 10.9.0.12, bond: {macs: ["52:54:00:00:00:0d", "52:54:00:00:00:0C"]}}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:4:59: mac 52:54:00:00:00:0c is also that of the host in line 3, expected each once
