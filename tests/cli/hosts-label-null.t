A label without a value.
--- input
hosts:
  - address: 10.0.0.11
    labels:
      rack:
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:4:12: label 'rack' has a wrong value, expected at most 63 letters, digits, '-', '_' and '.', or ""
