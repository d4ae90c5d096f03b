A label value that Kubernetes would refuse.
--- input
hosts: [{address: 10.0.0.11, labels: {rack: "$(id)"}}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:45: label 'rack' has a wrong value, expected at most 63 letters, digits, '-', '_' and '.', or ""
