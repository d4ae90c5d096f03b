--help.
--- input none
--- arguments
--help
--- exit
0
--- message
Turns raw Linux hosts into a working Kubernetes cluster, over SSH and offline.

usage: bigtop-bootstrap HOSTS.YAML             the same as: apply HOSTS.YAML
       bigtop-bootstrap COMMAND [ARGUMENT...]

commands:
[...]
  apply           [...]
[...]

bigtop-bootstrap help COMMAND tells more; --version prints the version.
