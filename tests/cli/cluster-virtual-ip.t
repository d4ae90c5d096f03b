A virtual IP that a host has already.
--- input
cluster: {virtual_ip: 10.0.0.12}
hosts: [10.0.0.11, 10.0.0.12]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:23: virtual_ip 10.0.0.12 is the address of the host in line 2, expected one that nothing has
