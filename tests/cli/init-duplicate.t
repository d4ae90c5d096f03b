init refuses an address twice.
--- input none
--- arguments
init 10.0.0.11 10.0.0.11 -o -
--- exit
2
--- message
bigtop-bootstrap: new hosts.yaml:6:14: address 10.0.0.11:22 is also that of the host in line 5, expected each once
