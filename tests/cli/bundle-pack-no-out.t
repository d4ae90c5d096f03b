Where the file goes has to be said.
--- input none
--- arguments
bundle pack nothing
--- exit
2
--- message
bigtop-bootstrap bundle pack: an option is missing: --out FILE
  see: bigtop-bootstrap bundle pack --help
