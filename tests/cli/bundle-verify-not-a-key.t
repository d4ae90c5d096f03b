A file that is no key.
--- input
hello
--- arguments
bundle verify --key hosts.yaml out
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml: is not a public key of minisign's form
