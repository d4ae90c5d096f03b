A DNS domain with an underscore.
--- input
cluster: {dns_domain: my_cluster.local}
hosts: [10.0.0.11]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:23: dns_domain is 'my_cluster.local', expected a domain name such as cluster.local
