A list as a host.
--- input
hosts: [[10.0.0.11]]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:9: address is a list, expected an IPv4 or IPv6 address or a host name
