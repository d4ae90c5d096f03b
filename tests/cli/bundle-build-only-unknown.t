A component that the recipe does not have.
--- input
product: p
serial: 1
components:
  - {name: note, kind: files, version: v1, roles: [worker], files: [{text: hello, to: etc/note}]}
  - {name: box, kind: image, version: v1, roles: [worker], ref: example.org/box:v1, files: [{dir: tmp}]}
--- arguments
bundle build hosts.yaml --only note --only bix -o out
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml: no component is called bix
  remedy: it has: note, box
