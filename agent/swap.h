/* Swap off, and off after the next boot too: devices, their systemd units, fstab. Everything is
 * remembered in the ledger, so that reset turns it on again. */
#pragma once

#include "agent/step.h"

/* 1 when no swap is on and nothing would turn it on; 0 with the differences added. */
int swap_check(struct strv *differences, struct error *err);
int swap_turn_off(const struct step_context *ctx, struct error *err);
