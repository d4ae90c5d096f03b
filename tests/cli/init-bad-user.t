init checks the user.
--- input none
--- arguments
init 10.0.0.11 --user "a b"
--- exit
2
--- message
bigtop-bootstrap: user is 'a b', expected a user name such as root
