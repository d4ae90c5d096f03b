init writes a file that plan takes.
--- input none
--- arguments
init 10.0.0.11 n2.example.com --user=admin -o new.yaml
--- exit
0
--- message
new.yaml is written. Next: bigtop-bootstrap plan new.yaml
