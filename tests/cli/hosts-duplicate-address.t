The same address twice: told which line had it.
--- input
hosts:
  - 10.0.0.11
  - 10.0.0.12
  - address: 10.0.0.11
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:4:14: address 10.0.0.11:22 is also that of the host in line 2, expected each once
