A component that takes files from nowhere.
--- input
product: p
architecture: amd64
serial: 1
kubernetes: v1.34.4
created: 2026-02-10T12:53:36Z
sources: {}
components:
  - {name: a, kind: files, version: v1, roles: [worker], files: [{from: b}]}
--- arguments
bundle build hosts.yaml -o out
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:8:73: no source "b", expected a name from "sources"
