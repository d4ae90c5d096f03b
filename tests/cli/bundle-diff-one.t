A difference takes two.
--- input none
--- arguments
bundle diff nothing
--- exit
2
--- message
bigtop-bootstrap bundle diff: an argument is missing: OLD NEW
  see: bigtop-bootstrap bundle diff --help
