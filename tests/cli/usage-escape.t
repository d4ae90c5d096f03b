Escapes from the command line do not reach the terminal.
--- input none
--- arguments
"[2Jplan"
--- exit
2
--- message
bigtop-bootstrap: unknown command '\x1b[2Jplan'
  see: bigtop-bootstrap --help
