The commands over a stack are listed.
--- input none
--- arguments
stack
--- exit
2
--- message
bigtop-bootstrap: unknown command 'stack'
  there is: stack apply, stack test, stack status, stack remove, stack usage
