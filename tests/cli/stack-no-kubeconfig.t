A kubeconfig that is not there is told before anything else is done.
--- input none
--- arguments
stack apply --profile minimal --kubeconfig none.kubeconfig
--- exit
2
--- message
bigtop-bootstrap: kubeconfig none.kubeconfig: No such file or directory
  remedy: name the cluster's: --kubeconfig FILE
