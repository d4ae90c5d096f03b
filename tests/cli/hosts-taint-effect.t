A taint with an unknown effect.
--- input
hosts: [{address: 10.0.0.11, taints: ["a=b:Never"]}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:39: not a taint, expected "key=value:Effect", Effect being NoSchedule, PreferNoSchedule or NoExecute
