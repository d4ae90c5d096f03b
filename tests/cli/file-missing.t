A file that is not there.
--- input none
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml: No such file or directory
