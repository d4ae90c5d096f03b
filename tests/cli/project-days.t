A certificate is good for a year at most: it is told before anything else is done.
--- input none
--- arguments
project kubeconfig hosts.yaml ada --days 366
--- exit
2
--- message
bigtop-bootstrap project kubeconfig: --days is 366, expected 1 to 365
  see: bigtop-bootstrap project kubeconfig --help
