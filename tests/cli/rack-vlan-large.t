A VLAN that there is not.
--- input
rack: {cidr: 10.9.0.0/24, vlan: 4095}
hosts: [10.9.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:33: vlan is '4095', expected a number from 1 to 4094
