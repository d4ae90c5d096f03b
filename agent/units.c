#include "agent/units.h"

#include "lib/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define DESTINATION "org.freedesktop.systemd1"
#define OBJECT "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define UNIT "org.freedesktop.systemd1.Unit"

/* For one call. sd-bus' own 25 s are too few for a reload on a slow disk: systemctl waits so long
 * too (DAEMON_RELOAD_TIMEOUT_SEC), and meanwhile systemd answers nothing else. */
#define CALL_TIMEOUT_MS 90000

#define AUTO_BUS CLEANUP(sd_bus_flush_close_unrefp) sd_bus
#define AUTO_MESSAGE CLEANUP(sd_bus_message_unrefp) sd_bus_message
#define AUTO_SLOT CLEANUP(sd_bus_slot_unrefp) sd_bus_slot
#define AUTO_BUS_ERROR CLEANUP(sd_bus_error_free) sd_bus_error

static int bus_open(sd_bus **out, struct error *err)
{
    int r = sd_bus_open_system(out);
    if (r >= 0)
        r = sd_bus_set_method_call_timeout(*out, CALL_TIMEOUT_MS * 1000ULL);
    if (r >= 0)
        return 0;
    error_errno(err, r, "reach systemd over D-Bus");
    return error_remedy(err, "this needs a host that was booted with systemd and runs dbus");
}

static int bus_failed(int code, const sd_bus_error *e, struct error *err, const char *what,
                      const char *unit)
{
    return error_set(err, code, "%s %s: %s", what, unit,
                     e && e->message ? e->message : strerror(-code));
}

static int manager_call(sd_bus *bus, const char *method, const char *unit, sd_bus_message **reply,
                        struct error *err, const char *types, ...)
{
    AUTO_BUS_ERROR e = SD_BUS_ERROR_NULL;
    AUTO_MESSAGE *m = NULL;
    int r = sd_bus_message_new_method_call(bus, &m, DESTINATION, OBJECT, MANAGER, method);
    if (r >= 0) {
        va_list args;
        va_start(args, types);
        r = sd_bus_message_appendv(m, types, args);
        va_end(args);
    }
    if (r >= 0)
        r = sd_bus_call(bus, m, 0, &e, reply);
    return r < 0 ? bus_failed(r, &e, err, method, unit) : 0;
}

static void get_property(sd_bus *bus, const char *path, const char *name, char *out, size_t size)
{
    AUTO_FREE char *value = NULL;
    if (sd_bus_get_property_string(bus, DESTINATION, path, UNIT, name, NULL, &value) >= 0)
        snprintf(out, size, "%s", value);
}

/* GetUnitFileState fails for what has no unit file: that is an answer. */
static void get_enabled(sd_bus *bus, const char *unit, struct unit_state *out)
{
    AUTO_MESSAGE *reply = NULL;
    const char *state = "";
    if (sd_bus_call_method(bus, DESTINATION, OBJECT, MANAGER, "GetUnitFileState", NULL, &reply, "s",
                           unit) >= 0)
        sd_bus_message_read(reply, "s", &state);
    snprintf(out->enabled, sizeof out->enabled, "%s", state);
}

static int state_on(sd_bus *bus, const char *unit, struct unit_state *out, struct error *err)
{
    AUTO_MESSAGE *reply = NULL;
    int r = manager_call(bus, "LoadUnit", unit, &reply, err, "s", unit);
    if (r < 0)
        return r;
    const char *path = NULL;
    r = sd_bus_message_read(reply, "o", &path);
    if (r < 0)
        return error_errno(err, r, "read systemd's answer about %s", unit);
    struct unit_state state = {0};
    get_property(bus, path, "LoadState", state.load, sizeof state.load);
    get_property(bus, path, "ActiveState", state.active, sizeof state.active);
    get_property(bus, path, "FragmentPath", state.fragment, sizeof state.fragment);
    get_enabled(bus, unit, &state);
    *out = state;
    return 0;
}

int unit_state(const char *unit, struct unit_state *out, struct error *err)
{
    AUTO_BUS *bus = NULL;
    int r = bus_open(&bus, err);
    return r < 0 ? r : state_on(bus, unit, out, err);
}

int units_states(const char *const *names, size_t count, struct unit_state *out, struct error *err)
{
    AUTO_BUS *bus = NULL;
    int r = bus_open(&bus, err);
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = state_on(bus, names[i], &out[i], err);
    return r;
}

bool unit_state_is_up(const struct unit_state *state)
{
    return strcmp(state->active, "active") == 0 || strcmp(state->active, "reloading") == 0;
}

bool unit_is_active(const char *unit)
{
    struct unit_state state;
    return unit_state(unit, &state, NULL) >= 0 && unit_state_is_up(&state);
}

bool unit_is_enabled(const char *unit)
{
    struct unit_state state;
    return unit_state(unit, &state, NULL) >= 0 && strcmp(state.enabled, "enabled") == 0;
}

static int read_unit_list(sd_bus_message *reply, struct strv *out)
{
    int r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
    while (r >= 0) {
        const char *name = NULL;
        r = sd_bus_message_read(reply, "(ssssssouso)", &name, NULL, NULL, NULL, NULL, NULL, NULL,
                                NULL, NULL, NULL);
        if (r <= 0)
            break;
        strv_add(out, name);
    }
    return r;
}

int units_list(const char *pattern, struct strv *out, struct error *err)
{
    AUTO_BUS *bus = NULL;
    AUTO_MESSAGE *reply = NULL;
    int r = bus_open(&bus, err);
    if (r < 0)
        return r;
    r = manager_call(bus, "ListUnitsByPatterns", pattern, &reply, err, "asas", 0, 1, pattern);
    if (r < 0)
        return r;
    r = read_unit_list(reply, out);
    return r < 0 ? error_errno(err, r, "read systemd's list of %s", pattern) : 0;
}

struct awaited_job {
    const char *path; /* NULL until StartUnit answered */
    char result[32];  /* "" until it was removed */
};

static int on_job_removed(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
    (void) e;
    struct awaited_job *job = userdata;
    const char *path = NULL;
    const char *result = NULL;
    if (sd_bus_message_read(m, "uoss", NULL, &path, NULL, &result) < 0)
        return 0;
    if (job->path && strcmp(path, job->path) == 0)
        snprintf(job->result, sizeof job->result, "%s", result);
    return 0;
}

static int wait_for_job(sd_bus *bus, const char *unit, const struct awaited_job *job,
                        int64_t deadline, struct error *err)
{
    while (!job->result[0]) {
        int r = sd_bus_process(bus, NULL);
        if (r < 0)
            return error_errno(err, r, "wait for systemd's job of %s", unit);
        if (r > 0)
            continue;
        int left = clock_left_ms(deadline);
        if (left == 0)
            return error_set(err, -ETIMEDOUT, "%s: systemd's job did not end in time", unit);
        r = sd_bus_wait(bus, (uint64_t) left * 1000);
        if (r < 0 && r != -EINTR)
            return error_errno(err, r, "wait for systemd's job of %s", unit);
    }
    return 0;
}

static int job_outcome(sd_bus *bus, const char *method, const char *unit,
                       const struct awaited_job *job, struct error *err)
{
    if (strcmp(job->result, "done") == 0)
        return 0;
    struct unit_state state = {0};
    state_on(bus, unit, &state, NULL);
    error_set(err, -EREMOTEIO, "%s %s: systemd's job ended with \"%s\", the unit is %s", method,
              unit, job->result, state.active[0] ? state.active : "unknown");
    return error_remedy(err, "see why on the host: journalctl -u %s", unit);
}

static int run_job(const char *method, const char *unit, int timeout_ms, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    AUTO_BUS *bus = NULL;
    AUTO_SLOT *slot = NULL;
    AUTO_MESSAGE *subscribed = NULL;
    AUTO_MESSAGE *reply = NULL;
    struct awaited_job job = {0};
    int r = bus_open(&bus, err);
    if (r < 0)
        return r;
    r = sd_bus_match_signal(bus, &slot, DESTINATION, OBJECT, MANAGER, "JobRemoved", on_job_removed,
                            &job);
    if (r < 0)
        return error_errno(err, r, "listen for systemd's jobs");
    r = manager_call(bus, "Subscribe", unit, &subscribed, err, "");
    if (r >= 0)
        r = manager_call(bus, method, unit, &reply, err, "ss", unit, "replace");
    if (r < 0)
        return r;
    r = sd_bus_message_read(reply, "o", &job.path);
    if (r < 0)
        return error_errno(err, r, "read systemd's answer about %s", unit);
    r = wait_for_job(bus, unit, &job, deadline, err);
    return r < 0 ? r : job_outcome(bus, method, unit, &job, err);
}

int unit_start(const char *unit, int timeout_ms, struct error *err)
{
    return run_job("StartUnit", unit, timeout_ms, err);
}

int unit_stop(const char *unit, int timeout_ms, struct error *err)
{
    struct unit_state state;
    int r = unit_state(unit, &state, err);
    if (r < 0)
        return r;
    if (strcmp(state.active, "inactive") == 0)
        return 0;
    return run_job("StopUnit", unit, timeout_ms, err);
}

int unit_restart(const char *unit, int timeout_ms, struct error *err)
{
    return run_job("RestartUnit", unit, timeout_ms, err);
}

int unit_reload(const char *unit, int timeout_ms, struct error *err)
{
    return run_job("ReloadUnit", unit, timeout_ms, err);
}

void unit_reset_failed(const char *unit)
{
    AUTO_BUS *bus = NULL;
    AUTO_MESSAGE *reply = NULL;
    if (bus_open(&bus, NULL) >= 0)
        manager_call(bus, "ResetFailedUnit", unit, &reply, NULL, "s", unit);
}

static int reload_on(sd_bus *bus, struct error *err)
{
    AUTO_MESSAGE *reply = NULL;
    return manager_call(bus, "Reload", "systemd", &reply, err, "");
}

int units_daemon_reload(struct error *err)
{
    AUTO_BUS *bus = NULL;
    int r = bus_open(&bus, err);
    return r < 0 ? r : reload_on(bus, err);
}

/* Enable and mask take (files, runtime, force), disable and unmask (files, runtime). */
static int change_files(const char *method, const char *unit, bool has_force, struct error *err)
{
    AUTO_BUS *bus = NULL;
    AUTO_MESSAGE *reply = NULL;
    int r = bus_open(&bus, err);
    if (r < 0)
        return r;
    if (has_force)
        r = manager_call(bus, method, unit, &reply, err, "asbb", 1, unit, 0, 1);
    else
        r = manager_call(bus, method, unit, &reply, err, "asb", 1, unit, 0);
    return r < 0 ? r : reload_on(bus, err);
}

int unit_enable(const char *unit, struct error *err)
{
    return change_files("EnableUnitFiles", unit, true, err);
}

int unit_disable(const char *unit, struct error *err)
{
    return change_files("DisableUnitFiles", unit, false, err);
}

int unit_mask(const char *unit, struct error *err)
{
    return change_files("MaskUnitFiles", unit, true, err);
}

int unit_unmask(const char *unit, struct error *err)
{
    return change_files("UnmaskUnitFiles", unit, false, err);
}

int units_systemd_version(struct error *err)
{
    AUTO_BUS *bus = NULL;
    AUTO_FREE char *version = NULL;
    int r = bus_open(&bus, err);
    if (r < 0)
        return r;
    r = sd_bus_get_property_string(bus, DESTINATION, OBJECT, MANAGER, "Version", NULL, &version);
    if (r < 0)
        return error_errno(err, r, "ask systemd for its version");
    return (int) strtol(version, NULL, 10);
}
