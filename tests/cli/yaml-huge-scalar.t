A scalar of 1 GiB is not read to its end.
--- input sparse=1073741824
hosts: "
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:1: larger than 1048576 bytes, expected a list of hosts
