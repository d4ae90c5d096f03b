The coordinator's card, but not its address.
--- input
rack: {cidr: 10.9.0.0/24, mac: "52:54:00:00:00:02"}
hosts: [10.9.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:32: mac without coordinator, expected both: the address and its card
