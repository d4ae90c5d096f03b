Merging takes at least two.
--- input none
--- arguments
bundle merge nothing -o out
--- exit
2
--- message
bigtop-bootstrap bundle merge: an argument is missing: BUNDLE BUNDLE...
  see: bigtop-bootstrap bundle merge --help
