/* This machine starts again. */
#pragma once

#include "lib/error.h"

/* Has systemd stop everything, write what is not on the disks yet and restart the machine; returns
 * when that has begun. */
int machine_restart(struct error *err);
