A fingerprint that was cut.
--- input
hosts: [{address: 10.0.0.11, host_key: "SHA256:abcd"}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:40: host_key is 'SHA256:abcd', expected SHA256:... or a public key such as "ssh-ed25519 AAAA..."
