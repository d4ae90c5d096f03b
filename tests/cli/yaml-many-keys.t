60,000 keys, all unknown.
--- input python
"".join(f"k{i}: 1\n" for i in range(60_000)).encode()
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:1: unknown key 'k0'
