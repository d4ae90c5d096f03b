Cards as one, and one of them again.
--- input
rack: {cidr: 10.9.0.0/24}
hosts:
- address: 10.9.0.11
  mac: "52:54:00:00:00:0b"
  bond: {macs: ["52:54:00:00:00:0b", "52:54:00:00:00:0c"]}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:5:9: bond beside mac, expected one of them: macs names all of its cards
