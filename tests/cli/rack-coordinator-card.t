The coordinator's card in a host.
--- input
rack: {cidr: 10.9.0.0/24, coordinator: 10.9.0.2, mac: "52:54:00:00:00:02"}
hosts:
- {address: 10.9.0.11, mac: "52:54:00:00:00:02"}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:29: mac 52:54:00:00:00:02 is also the coordinator's, expected each once
