A virtual IP that is no address.
--- input
cluster: {virtual_ip: "$(reboot)"}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:23: virtual_ip is '$(reboot)', expected an IPv4 address such as 10.0.0.100
