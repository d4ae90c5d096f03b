200 KB of {a: likewise.
--- input python
b"hosts: " + b"{a: " * 50_000
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:132: nested too deeply, expected at most 32 levels
