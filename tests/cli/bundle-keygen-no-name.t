Without a name there is nothing to write.
--- input none
--- arguments
bundle keygen
--- exit
2
--- message
bigtop-bootstrap bundle keygen: an option is missing: --out NAME
  see: bigtop-bootstrap bundle keygen --help
