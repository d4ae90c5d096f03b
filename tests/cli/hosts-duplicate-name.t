The same name twice.
--- input
hosts:
  - {address: 10.0.0.11, name: n1}
  - {address: 10.0.0.12, name: n1}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:32: name n1 is also that of the host in line 2, expected each once
