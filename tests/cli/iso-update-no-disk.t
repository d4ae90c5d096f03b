A machine that does not run from its own disk has no slots.
--- input
--- arguments
iso update rack-2.iso
--- exit
2
--- message
bigtop-bootstrap: this machine does not run from a disk that an image was installed to
