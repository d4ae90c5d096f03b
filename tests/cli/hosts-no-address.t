A host without address.
--- input
hosts:
  - name: n1
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:5: address is missing, expected it, or mac or serial to find it by
