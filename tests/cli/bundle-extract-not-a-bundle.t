A file that is no bundle.
--- input
hosts: []
--- arguments
bundle extract hosts.yaml -o out
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml is damaged or no bundle: at byte 0 it must have bigtop.json
  remedy: a bundle in one file is made by: bigtop-bootstrap bundle pack DIR -o FILE
