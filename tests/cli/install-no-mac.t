Nothing says which machine is to be installed.
--- input
hosts:
  - {address: 10.0.0.11, install: {disk: S3Z8NB0K}}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:35: install of 10.0.0.11 without its card, expected mac or bond beside it
