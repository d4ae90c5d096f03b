Each provisioner once.
--- input
hosts: [10.0.0.11]
storage: [openebs, openebs]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:20: openebs is given twice, expected each once
