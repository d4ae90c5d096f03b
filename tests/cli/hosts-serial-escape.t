A serial number that would write to the terminal.
--- input
hosts:
- {name: a, serial: "S\e[2J"}
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:21: serial is 'S\x1b[2J', expected the machine's serial number, as `dmidecode -s system-serial-number` shows it
