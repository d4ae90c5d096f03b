A password in a file that others can read is refused.
--- input mode=0644
defaults: {user: admin}
hosts:
  - address: 10.0.0.11
    password: hunter2
--- arguments
plan --offline hosts.yaml
--- exit
3
--- message
bigtop-bootstrap: hosts.yaml:4:15: a password in a file that others can read (mode 0644), expected mode 0600
  remedy: chmod 600 hosts.yaml
