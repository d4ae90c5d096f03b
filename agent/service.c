#include "agent/service.h"

#include "agent/files-param.h"
#include "agent/units.h"

#include <errno.h>
#include <string.h>

#define UNIT_NAME_MAX 255 /* systemd.unit(5) */

static bool unit_name_valid(const char *name)
{
    size_t len = strlen(name);
    const char *suffix = ".service";
    if (len <= strlen(suffix) || len > UNIT_NAME_MAX || name[0] == '-' || name[0] == '.' ||
        strcmp(name + len - strlen(suffix), suffix) != 0) {
        return false;
    }
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.@-";
    return strspn(name, allowed) == len;
}

static int need_unit(const json_t *params, const char **unit, struct error *err)
{
    int r = json_need_string(params, "unit", unit, err);
    if (r < 0) {
        return r;
    }
    if (!unit_name_valid(*unit)) {
        return error_set(err, -EINVAL, "unit: not the name of a service");
    }
    return 0;
}

/* Is the service, once it runs, running with these very files? */
static bool started_with(const struct ledger *ledger, const char *unit, const json_t *params)
{
    char digest[DIGEST_SIZE];
    files_param_digest(params, digest);
    AUTO_FREE char *key = xasprintf("service:%s", unit);
    const char *known = ledger_get(ledger, key);
    return known && strcmp(known, digest) == 0;
}

static int remember_start(struct ledger *ledger, const char *unit, const json_t *params,
                          struct error *err)
{
    char digest[DIGEST_SIZE];
    files_param_digest(params, digest);
    AUTO_FREE char *key = xasprintf("service:%s", unit);
    return ledger_set(ledger, key, digest, err);
}

int service_check(const json_t *params, const struct ledger *ledger, enum service_want want,
                  struct strv *differences, struct error *err)
{
    const char *unit;
    int r = need_unit(params, &unit, err);
    if (r < 0) {
        return r;
    }
    struct unit_state state;
    r = unit_state(unit, &state, err);
    if (r < 0) {
        return r;
    }
    int same = files_param_check(params, differences, err);
    if (same < 0) {
        return same;
    }
    bool active = unit_state_is_up(&state);
    if (strcmp(state.enabled, "enabled") != 0) {
        strv_addf(differences, "enable %s", unit);
        same = 0;
    }
    if (want != SERVICE_AS_IT_IS && !active) {
        strv_addf(differences, "start %s", unit);
        same = 0;
    } else if (same && !started_with(ledger, unit, params)) {
        bool restart = active && want != SERVICE_RELOADING;
        strv_addf(differences, "%s %s", restart ? "restart" : "reload", unit);
        same = 0;
    }
    return same;
}

static int start_service(const struct step_context *ctx, const char *unit, bool stale,
                         enum service_want want, struct error *err)
{
    bool active = unit_is_active(unit);
    if (active && stale && want == SERVICE_RELOADING) {
        step_progress(ctx, 0, 0, "reloading %s", unit);
        return unit_reload(unit, UNIT_TIMEOUT_MS, err);
    }
    if (active && stale) {
        step_progress(ctx, 0, 0, "restarting %s", unit);
        return unit_restart(unit, UNIT_TIMEOUT_MS, err);
    }
    if (!active && want != SERVICE_AS_IT_IS) {
        step_progress(ctx, 0, 0, "starting %s", unit);
        return unit_start(unit, UNIT_TIMEOUT_MS, err);
    }
    return 0;
}

int service_apply(const struct step_context *ctx, const json_t *params, enum service_want want,
                  struct error *err)
{
    const char *unit;
    int r = need_unit(params, &unit, err);
    if (r < 0) {
        return r;
    }
    /* Before the files: its former state must not be that of our unit file. */
    r = ledger_unit(ctx->ledger, unit, err);
    if (r < 0) {
        return r;
    }
    r = files_param_apply(ctx, params, err);
    if (r < 0) {
        return r;
    }
    bool stale = r == 1 || !started_with(ctx->ledger, unit, params);
    if (stale) {
        r = units_daemon_reload(err);
        if (r < 0) {
            return r;
        }
    }
    r = unit_enable(unit, err);
    if (r < 0) {
        return r;
    }
    r = start_service(ctx, unit, stale, want, err);
    if (r < 0) {
        return error_remedy(err, "look at `journalctl -u %s` on the host", unit);
    }
    return stale ? remember_start(ctx->ledger, unit, params, err) : 0;
}
