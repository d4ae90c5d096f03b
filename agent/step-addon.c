#include "agent/addon.h"
#include "agent/cluster.h"
#include "agent/program.h"
#include "agent/step.h"
#include "lib/digest.h"

#include <errno.h>
#include <string.h>

#define API_TIMEOUT_MS 60000

static void params_digest(const json_t *params, char out[DIGEST_SIZE])
{
    AUTO_FREE char *text = json_canonical(params);
    digest_buffer(text, strlen(text), out);
}

/* The newest parameters with which this addon was applied, against these. */
static bool applied_with(const struct ledger *ledger, const char *name, const json_t *params)
{
    char digest[DIGEST_SIZE];
    params_digest(params, digest);
    AUTO_FREE char *key = xasprintf("addon:%s", name);
    const char *known = ledger_get(ledger, key);
    return known && strcmp(known, digest) == 0;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    const char *name;
    int r = json_need_string(params, "name", &name, err);
    r = r < 0 ? r : cluster_need_control_plane(err);
    if (r < 0) {
        return r;
    }
    if (applied_with(ctx->ledger, name, params)) {
        AUTO_ADDON addon = {0};
        r = addon_open(params, &addon, err);
        if (r == 0 && addon_is_applied(&addon, ctx->cancel)) {
            return 1;
        }
        /* A blob that is not in the store any more is sent again, one of another bundle looked at
         * once that is accepted. */
        if (r < 0 && r != -ENOENT && r != -EKEYREJECTED) {
            return r;
        }
    }
    strv_addf(differences, "apply %s", name);
    return 0;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    AUTO_ADDON addon = {0};
    int r = addon_open(params, &addon, err);
    r = r < 0 ? r : kubectl_api_wait(ctx->cancel, API_TIMEOUT_MS, err);
    if (r < 0) {
        return r;
    }
    step_progress(ctx, 0, 0, "applying %s", addon.name);
    return addon_apply(&addon, ctx->cancel, err);
}

/* What was applied server side is there; whether its pods come up, the coordinator watches. */
static int verify(const struct step_context *ctx, const json_t *params, struct error *err)
{
    char digest[DIGEST_SIZE];
    params_digest(params, digest);
    AUTO_FREE char *key = xasprintf("addon:%s", json_get_string(params, "name", ""));
    return ledger_set(ctx->ledger, key, digest, err);
}

const struct step step_addon = {.name = "addon", .check = check, .apply = apply, .verify = verify};
