A second document.
--- input
hosts: [10.0.0.11]
---
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:1: a second document, expected one per file
