A taint twice.
--- input
hosts: [{address: 10.0.0.11, taints: ["a=b:NoSchedule", "a=c:NoSchedule"]}]
--- arguments
plan --offline hosts.yaml
--- exit
2
--- message
bigtop-bootstrap: hosts.yaml:1:57: taint 'a' with effect NoSchedule is given twice, expected each once
