sudo none needs root.
--- input
hosts:
  - address: 10.0.0.11
    user: admin
    sudo: none
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:4:11: sudo is none for user admin of 10.0.0.11, expected user root or sudo: auto
