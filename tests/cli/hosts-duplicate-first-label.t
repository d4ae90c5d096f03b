Two addresses that start with the same name.
--- input
hosts: [n1.example.com, n1.example.org]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:25: name n1 is also that of the host in line 1, expected each once
