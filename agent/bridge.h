/* Bytes both ways between two pairs of descriptors. */
#pragma once

#include "lib/error.h"

/* Until end of file on either input, or an error of either output. Both directions flow
 * independently: a peer that only writes does not block one that only reads. 0 at an end. */
int bridge(int left_in, int left_out, int right, struct error *err);
