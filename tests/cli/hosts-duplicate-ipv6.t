The same IPv6 address in two spellings.
--- input
hosts: ["2001:db8::1", "2001:DB8:0:0:0:0:0:1"]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:24: address [2001:db8::1]:22 is also that of the host in line 1, expected each once
