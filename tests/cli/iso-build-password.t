No password goes onto an image, which is copied and handed around.
--- input
hosts:
  - {address: 10.0.0.11}
  - {address: 10.0.0.12, password: secret}
--- arguments
iso build --hosts hosts.yaml -o rack.iso
--- exit
3
--- message
bigtop-bootstrap: hosts.yaml:3: a password would be on the image
  remedy: an image's hosts are reached with a key; leave it out
