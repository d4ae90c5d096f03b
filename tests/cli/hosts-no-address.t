A host without address.
--- input
hosts:
  - name: n1
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:5: address is missing, expected an IPv4 or IPv6 address or a host name
