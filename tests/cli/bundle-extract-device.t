What is neither a folder nor a file is not waited for.
--- input none
--- arguments
bundle extract /dev/zero -o out
--- exit
2
--- message
bigtop-bootstrap: /dev/zero is neither a folder nor a regular file
  remedy: is /dev/zero a bundle? build the bundle again: bigtop-bootstrap bundle build RECIPE -o DIR
