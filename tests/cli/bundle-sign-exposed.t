A key file that others may read gets a warning.
--- input mode=0640
untrusted comment: minisign encrypted secret key
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAkRM1aFiDesbFjtvBQqicXqjkK9FVj9Yt7l0UQf3H+Nvn6ExN8eyu/QasjE/UECCS7PTxBs/EfsI4ELOEa7ccFaIOF/2TR6aLAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
--- arguments
bundle sign --key hosts.yaml nothing
--- exit
2
--- message
bigtop-bootstrap: warning: hosts.yaml can be read by others: chmod 600 it
bigtop-bootstrap: open nothing: No such file or directory
  remedy: is nothing a bundle? build the bundle again: bigtop-bootstrap bundle build RECIPE -o DIR
