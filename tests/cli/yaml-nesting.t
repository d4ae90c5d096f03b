200 KB of [ end in time, at the 33rd.
--- input python
b"[" * 200_000
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:33: nested too deeply, expected at most 32 levels
