An unknown command, with the nearest.
--- input none
--- arguments
aply hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: unknown command 'aply', did you mean 'apply'?
  see: bigtop-bootstrap --help
