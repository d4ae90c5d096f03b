user@host is two keys here.
--- input
hosts: [admin@10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:9: address is 'admin@10.0.0.11', expected an IPv4 or IPv6 address or a host name
  remedy: user and port are keys: {address: 10.0.0.11, user: admin, port: 22}
