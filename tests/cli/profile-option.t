A profile that would be taken for an option, or for more than one word.
--- input
hosts: [10.0.0.11]
profile: "--all now"
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:10: profile is '--all now', expected the name of a profile, or DIR/NAME.yaml
