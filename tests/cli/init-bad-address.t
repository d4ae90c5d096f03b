init checks addresses.
--- input none
--- arguments
init 10.0.0.11 "$(id)"
--- exit
2
--- message
bigtop-bootstrap: address is '$(id)', expected an IPv4 or IPv6 address or a host name
