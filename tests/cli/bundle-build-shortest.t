A component that is one source needs no more than a name; the rest has defaults.
--- input
product: p
serial: 7
components:
  - {name: note, source: {file: hosts.yaml}}
--- arguments
bundle build hosts.yaml -o out
--- exit
0
--- message
[ 1/1] note: built in [...]
bundle in out: 1 components, 1 of them built now, in [...] s
