A folder with other things in it is not written to: the recipe's own.
--- input
product: p
architecture: amd64
serial: 1
kubernetes: v1.34.4
created: 2026-02-10T12:53:36Z
sources: {}
components:
  - {name: a, kind: files, version: v1, roles: [worker], files: [{dir: a}]}
--- arguments
bundle build hosts.yaml -o .
--- exit
3
--- message
bigtop-bootstrap: . is neither empty nor a bundle
  remedy: name another folder with -o
