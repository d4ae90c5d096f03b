A command of two words with a typing error.
--- input none
--- arguments
bundle biuld
--- exit
2
--- message
bigtop-bootstrap: unknown command 'bundle', did you mean 'bundle build'?
  there is: bundle build, [...]bundle sign, bundle verify
