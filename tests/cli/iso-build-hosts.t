A hosts.yaml that is not right does not get onto an image.
--- input
hosts: [10.0.0.11, 10.0.0.11]
--- arguments
iso build --hosts hosts.yaml -o rack.iso
--- exit
2
--- message
[...]hosts.yaml:1:[...]
[...]
