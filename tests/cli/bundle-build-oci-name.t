An image that no registry could have.
--- input
product: p
serial: 7
components:
  - {name: note, source: {oci: "registry.k8s.io/Pause:3.10"}}
--- arguments
bundle build hosts.yaml -o out
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:4:32: not the name of an image, expected HOST/PATH:TAG or HOST/PATH@sha256:…
