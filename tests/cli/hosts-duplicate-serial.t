Two hosts that are one machine.
--- input
hosts:
- {name: a, serial: S1}
- {name: b, serial: S1}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:21: serial S1 is also that of the host in line 2, expected each once
