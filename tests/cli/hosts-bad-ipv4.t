An address that is none.
--- input
hosts: [10.0.0.256]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:9: address is '10.0.0.256', expected an IPv4 or IPv6 address or a host name
