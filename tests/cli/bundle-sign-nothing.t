A folder that holds no bundle.
--- input
untrusted comment: minisign encrypted secret key
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAkRM1aFiDesbFjtvBQqicXqjkK9FVj9Yt7l0UQf3H+Nvn6ExN8eyu/QasjE/UECCS7PTxBs/EfsI4ELOEa7ccFaIOF/2TR6aLAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
--- arguments
bundle sign --key hosts.yaml nothing
--- exit
2
--- message
bigtop-bootstrap: open nothing: No such file or directory
  remedy: is nothing a bundle? build the bundle again: bigtop-bootstrap bundle build RECIPE -o DIR
