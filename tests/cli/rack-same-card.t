One card, in two spellings, for two machines.
--- input
rack: {cidr: 10.9.0.0/24}
hosts:
- {address: 10.9.0.11, mac: "52:54:00:00:00:0b"}
- {address: 10.9.0.12, mac: "52:54:00:00:00:0B"}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:4:29: mac 52:54:00:00:00:0b is also that of the host in line 3, expected each once
