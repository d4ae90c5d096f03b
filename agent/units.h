/* systemd units over D-Bus (units.c is the only user of systemd's headers). Each function opens a
 * connection of its own, so they may be called from any thread. Interface:
 * org.freedesktop.systemd1(5). Unit names are full ("kubelet.service"). */
#pragma once

#include "lib/error.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>

/* For a job: above systemd's own DefaultTimeoutStopSec and DefaultTimeoutStartSec (90 s each), so
 * that its word on why a restart failed comes before ours. */
#define UNIT_TIMEOUT_MS 190000

struct unit_state {
    char load[24];   /* "loaded", "not-found", "masked", … */
    char active[24]; /* "active", "inactive", "failed", "activating", … */
    char
        enabled[24]; /* "enabled", "disabled", "static", "masked", "generated", "" (no unit file) */
    char fragment[256]; /* path of the unit file, "" when there is none */
};

/* A unit that does not exist is no error: load is "not-found", active "inactive", enabled "". */
int unit_state(const char *unit, struct unit_state *out, struct error *err);
/* The same for many over one connection; names with count entries, out with room for as many. */
int units_states(const char *const *names, size_t count, struct unit_state *out, struct error *err);
/* It runs; it may be reading its configuration again, which systemd has a word of its own for. */
bool unit_state_is_up(const struct unit_state *state);
bool unit_is_active(const char *unit);  /* up; false also when it cannot be asked */
bool unit_is_enabled(const char *unit); /* the same */
/* Names of the loaded units that match a glob ("*.swap"), appended. */
int units_list(const char *pattern, struct strv *out, struct error *err);

/* Each subscribes to JobRemoved first, then waits for the end of its own job. -ETIMEDOUT,
 * -EREMOTEIO with systemd's job result and the unit's state when the job failed. Starting what is
 * active and stopping what is not there is fine. */
int unit_start(const char *unit, int timeout_ms, struct error *err);
int unit_stop(const char *unit, int timeout_ms, struct error *err);
int unit_restart(const char *unit, int timeout_ms, struct error *err);
int unit_reload(const char *unit, int timeout_ms, struct error *err); /* its ExecReload */

/* Forgets a former failure; what is not loaded any more is then dropped by systemd. */
void unit_reset_failed(const char *unit);

/* Symlinks of units; systemd is reloaded afterwards. */
int unit_enable(const char *unit, struct error *err);
int unit_disable(const char *unit, struct error *err);
int unit_mask(const char *unit, struct error *err);
int unit_unmask(const char *unit, struct error *err);
int units_daemon_reload(struct error *err);
/* The systemd version ("252.39-1~deb12u2" → 252); -errno. */
int units_systemd_version(struct error *err);
