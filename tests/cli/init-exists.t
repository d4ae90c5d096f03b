init never overwrites.
--- input
hosts: [10.0.0.11]
--- arguments
init 10.0.0.11
--- exit
3
--- message
bigtop-bootstrap: hosts.yaml: File exists
  remedy: move it away, or name another file with --output
