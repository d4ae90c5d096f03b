A scalar of 100 KB in a small file.
--- input python
b"hosts: [" + b"a" * 100_000 + b"]\n"
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:9: value of 100000 bytes, expected at most 65536
