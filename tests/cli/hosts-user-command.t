A command for a user.
--- input
hosts: [{address: 10.0.0.11, user: "root;reboot"}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:36: user is 'root;reboot', expected a user name such as root
