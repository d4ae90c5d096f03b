A wrong key is found before the work.
--- input none
--- arguments
bundle build hosts.yaml --sign nothing.key -o out
--- exit
2
--- message
bigtop-bootstrap: open nothing.key: No such file or directory
  remedy: make a pair of keys: bigtop-bootstrap bundle keygen --out NAME
