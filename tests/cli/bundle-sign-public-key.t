The other one of the two files.
--- input
untrusted comment: minisign public key C67A835868351391
RWSREzVoWIN6xgasjE/UECCS7PTxBs/EfsI4ELOEa7ccFaIOF/2TR6aL
--- arguments
bundle sign --key hosts.yaml out
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml: is a public key: its NAME.key is needed here
