/* Services that nodes and users reach the API by: kubeadm/balancer.h says which. */
#include "agent/service.h"
#include "agent/step.h"
#include "agent/units.h"

#include "lib/json.h"

#include <errno.h>
#include <string.h>

/* Ours, and on or to be on after a boot. A unit that we never had is none of our business. */
static int is_left(const struct ledger *ledger, const char *unit, struct error *err)
{
    struct unit_state state;
    int r = unit_state(unit, &state, err);
    if (r < 0) {
        return r;
    }
    bool is_off = strcmp(state.active, "inactive") == 0 || strcmp(state.active, "failed") == 0;
    bool on = !is_off || strcmp(state.enabled, "enabled") == 0;
    return on && state.fragment[0] && ledger_has_path(ledger, state.fragment);
}

static int arrays(const json_t *params, json_t **services, json_t **unwanted, struct error *err)
{
    int r = json_need_array(params, "services", services, err);
    return r < 0 ? r : json_need_array(params, "unwanted", unwanted, err);
}

static int check_unwanted(const struct step_context *ctx, const json_t *unwanted,
                          struct strv *differences, struct error *err)
{
    int same = 1;
    size_t i;
    json_t *item;
    json_array_foreach(unwanted, i, item) {
        const char *unit = json_string_value(item);
        int r = unit ? is_left(ctx->ledger, unit, err)
                     : error_set(err, -EINVAL, "unwanted: no text");
        if (r < 0) {
            return r;
        }
        if (r > 0) {
            strv_addf(differences, "stop %s", unit);
            same = 0;
        }
    }
    return same;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    json_t *services, *unwanted, *service;
    int r = arrays(params, &services, &unwanted, err);
    if (r < 0) {
        return r;
    }
    int same = check_unwanted(ctx, unwanted, differences, err);
    size_t i;
    json_array_foreach(services, i, service) {
        r = same < 0 ? same
                     : service_check(service, ctx->ledger, SERVICE_RELOADING, differences, err);
        same = r < 0 ? r : same && r;
    }
    return same;
}

static int stop_unwanted(const struct step_context *ctx, const json_t *unwanted, struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach(unwanted, i, item) {
        const char *unit = json_string_value(item);
        int r = unit ? is_left(ctx->ledger, unit, err) : 0;
        if (r > 0) {
            step_progress(ctx, 0, 0, "stopping %s", unit);
            r = unit_disable(unit, err);
            r = r < 0 ? r : unit_stop(unit, UNIT_TIMEOUT_MS, err);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    json_t *services, *unwanted, *service;
    int r = arrays(params, &services, &unwanted, err);
    r = r < 0 ? r : stop_unwanted(ctx, unwanted, err);
    size_t i;
    json_array_foreach(services, i, service) {
        r = r < 0 ? r : service_apply(ctx, service, SERVICE_RELOADING, err);
    }
    return r;
}

const struct step step_balancer = {.name = "balancer", .check = check, .apply = apply};
