A user that would be an option.
--- input
defaults: {user: -l}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:18: user is '-l', expected a user name such as root
