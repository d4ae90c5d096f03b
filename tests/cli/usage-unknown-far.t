An unknown command that is like no other.
--- input none
--- arguments
frobnicate
--- exit
2
--- message
bigtop-bootstrap: unknown command 'frobnicate'
  see: bigtop-bootstrap --help
