A folder that holds no bundle.
--- input none
--- arguments
bundle inspect nothing
--- exit
2
--- message
bigtop-bootstrap: open nothing: No such file or directory
  remedy: is nothing a bundle? build the bundle again: bigtop-bootstrap bundle build RECIPE -o DIR
