A number that stands for many cards.
--- input
rack: {cidr: 10.9.0.0/24}
hosts:
- {address: 10.9.0.11, mac: "01:00:5e:00:00:01"}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:29: mac is '01:00:5e:00:00:01', expected the number of one card such as 52:54:00:12:34:56
