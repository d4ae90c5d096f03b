A project may not have a namespace of the system.
--- input
hosts: [10.0.0.11]
projects:
  - {name: risk, owners: [ada]}
  - {name: kube-system}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:4:12: name is 'kube-system', expected lower-case letters, digits and '-', at most 40, and no namespace of the system
