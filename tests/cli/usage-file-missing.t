A name that ends in .yaml means apply.
--- input none
--- arguments
no-such.yaml
--- exit
2
--- message
bigtop-bootstrap: no-such.yaml: No such file or directory
