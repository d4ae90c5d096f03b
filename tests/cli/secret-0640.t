So it is when only the group can read it, and for a sudo password.
--- input mode=0640
defaults: {user: admin, sudo_password: hunter2}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
3
--- message
bigtop-bootstrap: hosts.yaml:1:40: a password in a file that others can read (mode 0640), expected mode 0600
  remedy: chmod 600 hosts.yaml
