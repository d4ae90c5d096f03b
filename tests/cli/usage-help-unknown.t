Help for an unknown command.
--- input none
--- arguments
help plam
--- exit
2
--- message
bigtop-bootstrap: unknown command 'plam', did you mean 'plan'?
  see: bigtop-bootstrap --help
