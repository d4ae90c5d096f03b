Some of a recipe's components; what only others need is not fetched.
--- input
product: p
architecture: amd64
serial: 1
sources:
  absent: {type: url, url: "https://127.0.0.1:1/x", sha256: "0000000000000000000000000000000000000000000000000000000000000000"}
components:
  - {name: first, kind: files, version: v1, roles: [worker], files: [{from: absent}]}
  - {name: note, kind: files, version: v1, roles: [worker], files: [{text: hello, to: etc/note}]}
  - {name: box, kind: image, version: v1, roles: [worker], ref: example.org/box:v1, files: [{dir: tmp}]}
--- arguments
bundle build hosts.yaml --only box,note -o out
--- exit
0
--- message
[ 1/2] note: built in [...]
[ 2/2] box: built in [...]
bundle in out: 2 components, 2 of them built now, in [...] s
