An endpoint with a bad port.
--- input
cluster: {endpoint: "api.example.com:https"}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:21: endpoint is 'api.example.com:https', expected HOST or HOST:PORT
