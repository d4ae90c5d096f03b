wipe names another disk than the entry does.
--- input
hosts:
  - address: 10.0.0.11
    disks: [{serial: S3Z8NB0K, class: fast, wipe: S3Z8NB0L}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:51: wipe is 'S3Z8NB0L' and the disk's serial 'S3Z8NB0K', expected the same
  remedy: wipe repeats the serial of the one disk whose content may go
