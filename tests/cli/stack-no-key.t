A bundle that nobody vouches for is not taken: its kubectl would run.
--- input none
--- arguments
stack status --bundle ./bundle
--- exit
3
--- message
bigtop-bootstrap: nothing says whose bundle ./bundle must be
  remedy: name the public key of who signs it: --key NAME.pub; --insecure-bundle takes it unverified
