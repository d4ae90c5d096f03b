A namespace of the system is no project.
--- input none
--- arguments
project remove kube-system
--- exit
2
--- message
bigtop-bootstrap project remove: 'kube-system' is no name of a project
  see: bigtop-bootstrap project remove --help
