Escapes in a key do not reach the terminal.
--- input
hosts: [10.0.0.11]
"\e[2Jnetwork": flannel
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:1: unknown key '\x1b[2Jnetwork'
