One disk for the system and for data.
--- input
rack: {cidr: 10.0.0.0/24}
hosts:
  - address: 10.0.0.11
    mac: "52:54:00:00:00:0b"
    install: {disk: S3Z8NB0K}
    disks: [{serial: S3Z8NB0K, class: fast}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:5:14: disk S3Z8NB0K of 10.0.0.11 is for install and for disks, expected one of them
