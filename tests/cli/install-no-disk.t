Any disk is none.
--- input
rack: {cidr: 10.0.0.0/24}
hosts:
  - {address: 10.0.0.11, mac: "52:54:00:00:00:0b", install: {wipe: S3Z8NB0K}}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:3:61: disk is missing, expected a serial number or a World Wide Name, as `lsblk -o NAME,SERIAL,WWN` shows it
