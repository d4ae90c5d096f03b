A role twice.
--- input
hosts: [{address: 10.0.0.11, roles: [worker, worker]}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:46: role 'worker' is given twice, expected each role once
