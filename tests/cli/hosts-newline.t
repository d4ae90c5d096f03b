A newline in an address.
--- input
hosts: ["10.0.0.11\nProxyCommand reboot"]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:9: address is '10.0.0.11\x0aProxyCommand reboot', expected an IPv4 or IPv6 address or a host name
