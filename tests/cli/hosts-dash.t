An address that would be an option of ssh.
--- input
hosts: ["-oProxyCommand=reboot"]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:9: address is '-oProxyCommand=reboot', expected an IPv4 or IPv6 address or a host name
