init into a folder that is not there.
--- input none
--- arguments
init 10.0.0.11 -o missing/hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: missing/hosts.yaml: No such file or directory
