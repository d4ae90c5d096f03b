A folder that is not there.
--- input none
--- arguments
bundle keygen --out nothing/ops
--- exit
2
--- message
bigtop-bootstrap: nothing/ops.key: No such file or directory
