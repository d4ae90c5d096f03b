An overlong encoding of "/".
--- input python
b"bundle: a\xc0\xafb\nhosts: [10.0.0.11]\n"
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:10: invalid length of a UTF-8 sequence, expected UTF-8 text
