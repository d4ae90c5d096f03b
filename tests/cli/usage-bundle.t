Half of a command of two words.
--- input none
--- arguments
bundle
--- exit
2
--- message
bigtop-bootstrap: unknown command 'bundle'
  there is: bundle build, [...]bundle sign, bundle verify
