Tags are refused.
--- input
hosts: !!python/object/apply:os.system ["id"]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:8: tags (!) are not allowed, write the plain value
