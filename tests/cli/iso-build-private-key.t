A file that is no public key is named.
--- input
hosts: [10.0.0.11]
--- arguments
iso build --ssh-key hosts.yaml -o rack.iso
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml: is no public key of SSH, such as "ssh-ed25519 AAAA…"
