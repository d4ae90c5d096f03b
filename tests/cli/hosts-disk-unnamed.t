A disk that nothing names.
--- input
hosts: [{address: 10.0.0.11, disks: [{class: fast}]}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:38: the disk is named by none of serial, wwn and path, expected exactly one
