Signing needs a key.
--- input none
--- arguments
bundle sign out
--- exit
2
--- message
bigtop-bootstrap bundle sign: an option is missing: --key NAME.key
  see: bigtop-bootstrap bundle sign --help
