init needs an address.
--- input none
--- arguments
init
--- exit
2
--- message
bigtop-bootstrap init: an argument is missing: ADDRESS...
  see: bigtop-bootstrap init --help
