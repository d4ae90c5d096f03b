A large file that is no bundle: known by its first bytes.
--- input sparse=9000000000
bigtop.json
--- arguments
bundle inspect hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml is damaged or no bundle: at byte 0 it must have bigtop.json
  remedy: a bundle in one file is made by: bigtop-bootstrap bundle pack DIR -o FILE
