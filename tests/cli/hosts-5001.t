More hosts than are possible.
--- input python
b"hosts: [" + b", ".join(b"10.1.%d.%d" % divmod(i, 250) for i in range(5_001)) + b"]\n"
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:8: 5001 hosts, expected at most 5000
