A recipe of files alone is built without any network.
--- input
product: p
architecture: amd64
serial: 1
kubernetes: v1.34.4
created: 2026-02-10T12:53:36Z
sources: {}
components:
  - {name: note, kind: files, version: v1, roles: [worker], files: [{text: hello, to: etc/note}]}
  - {name: box, kind: image, version: v1, roles: [worker], ref: example.org/box:v1, files: [{dir: tmp}]}
--- arguments
bundle build hosts.yaml -o out
--- exit
0
--- message
[ 1/2] note: built in [...]
[ 2/2] box: built in [...]
bundle in out: 2 components, 2 of them built now, in [...] s
