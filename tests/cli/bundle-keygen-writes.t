A pair of keys.
--- input none
--- arguments
bundle keygen --out ops
--- exit
0
--- message
ops.key signs: keep it secret, it has no password
ops.pub verifies: give it to whoever gets the bundles (key [...])
