--version.
--- input none
--- arguments
--version
--- exit
0
--- message
bigtop-bootstrap 0.1.0
