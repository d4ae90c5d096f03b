The other one of the two files.
--- input
untrusted comment: minisign encrypted secret key
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAkRM1aFiDesbFjtvBQqicXqjkK9FVj9Yt7l0UQf3H+Nvn6ExN8eyu/QasjE/UECCS7PTxBs/EfsI4ELOEa7ccFaIOF/2TR6aLAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
--- arguments
bundle verify --key hosts.yaml out
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml: is a secret key: its NAME.pub is needed here
