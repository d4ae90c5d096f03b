A tab as indent.
--- input
cluster:
	name: x
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:1: found character that cannot start any token while scanning for the next token
