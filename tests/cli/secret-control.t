A wrong password is never shown.
--- input
hosts: [{address: 10.0.0.11, password: "hunter2\n"}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:40: password is text with a control character, expected text without control characters
