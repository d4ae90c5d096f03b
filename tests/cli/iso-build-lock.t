What is built in cannot be pinned anew.
--- input none
--- arguments
iso build --update-lock -o rack.iso
--- exit
2
--- message
bigtop-bootstrap iso build: --update-lock writes to a folder: --live DIR
  see: bigtop-bootstrap iso build --help
