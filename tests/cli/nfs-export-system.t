The system's folders are not exported.
--- input
hosts:
  - {address: 10.0.0.11, nfs: {export: /etc/exports.d}}
storage: nfs
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:2:40: export is '/etc/exports.d', expected an absolute path for data, such as /srv/nfs
