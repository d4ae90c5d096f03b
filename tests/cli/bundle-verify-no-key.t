A key file that is not there.
--- input none
--- arguments
bundle verify --key nothing.pub out
--- exit
2
--- message
bigtop-bootstrap: open nothing.pub: No such file or directory
  remedy: name the public key of who signs the bundles
