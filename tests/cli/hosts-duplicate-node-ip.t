The same node_ip twice.
--- input
hosts:
  - {address: 10.0.0.11, node_ip: 192.168.0.1}
  - {address: 10.0.0.12, node_ip: 192.168.0.1}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:35: node_ip 192.168.0.1 is also that of the host in line 2, expected each once
