A key that a recipe does not have.
--- input
product: p
architecture: amd64
serial: 1
kubernetes: v1.34.4
created: 2026-02-10T12:53:36Z
sources: {}
component: []
--- arguments
bundle build hosts.yaml -o out
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:7:1: unknown key "component", expected one of product, architecture, serial, kubernetes, created, toolchain, sources, layers, components, next_keys
