A label that Kubernetes would refuse.
--- input
hosts: [{address: 10.0.0.11, labels: {"rack one": a}}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:39: 'rack one' is no label name, expected [PREFIX/]NAME of letters, digits, '-', '_' and '.'
