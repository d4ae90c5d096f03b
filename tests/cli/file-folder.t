A folder is no file.
--- input none
--- arguments
plan --offline .
--- exit
2
--- message
bigtop-bootstrap: .: Is a directory
