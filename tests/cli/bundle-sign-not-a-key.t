A file that is no key.
--- input
hello
--- arguments
bundle sign --key hosts.yaml out
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml: is not a secret key of minisign's form
