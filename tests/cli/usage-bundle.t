Half of a command of two words.
--- input none
--- arguments
bundle
--- exit
2
--- message
bigtop-bootstrap: unknown command 'bundle'
  there is: bundle build, bundle inspect, bundle keygen, bundle sign, bundle verify
