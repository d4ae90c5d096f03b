After -- all is a file name.
--- input none
--- arguments
plan --offline -- --help
--- exit
2
--- message
bigtop-bootstrap: --help: No such file or directory
