Where the image goes has to be said.
--- input none
--- arguments
iso build --bundle nothing
--- exit
2
--- message
bigtop-bootstrap iso build: an option is missing: --out FILE.iso
  see: bigtop-bootstrap iso build --help
