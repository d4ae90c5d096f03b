#include "agent/step.h"

#include "lib/digest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PROGRESS_TEXT_MAX 256

static const struct step *const steps[] = {
    &step_disks,    &step_firewall, &step_balancer, &step_host,   &step_unpack,
    &step_runtime,  &step_import,   &step_kubelet,  &step_init,   &step_token,
    &step_certs,    &step_members,  &step_join,     &step_label,  &step_addon,
    &step_netcheck, &step_nfs,      &step_clock,    &step_remove, &step_reset,
};

const struct step *step_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        if (strcmp(steps[i]->name, name) == 0)
            return steps[i];
    return NULL;
}

static int verify(const struct step *step, const struct step_context *ctx, const json_t *params,
                  struct error *err)
{
    if (step->verify)
        return step->verify(ctx, params, err);
    STRV(differences);
    int r = step->check(ctx, params, &differences, err);
    if (r != 0)
        return r < 0 ? r : 0;
    return error_set(err, -EIO, "done, but still not so: %s",
                     differences.count > 0 ? differences.items[0] : "no difference was named");
}

static int record_done(const struct step *step, const struct step_context *ctx,
                       const json_t *params, struct error *err)
{
    char digest[DIGEST_SIZE];
    AUTO_FREE char *text = json_canonical(params);
    digest_buffer(text, strlen(text), digest);
    return ledger_step_done(ctx->ledger, step->name, digest, err);
}

static int apply(const struct step *step, const struct step_context *ctx, const json_t *params,
                 json_t *result, struct error *err)
{
    int r = step->apply(ctx, params, result, err);
    if (r >= 0)
        r = verify(step, ctx, params, err);
    return r < 0 ? r : record_done(step, ctx, params, err);
}

int step_run(const struct step *step, const struct step_context *ctx, const json_t *params,
             json_t **result, struct error *err)
{
    STRV(differences);
    AUTO_JSON *members = json_object();
    int done = step->check(ctx, params, &differences, err);
    if (done == 0) {
        int r = apply(step, ctx, params, members, err);
        if (r < 0)
            return error_prefix(err, "%s", step->name);
    } else if (done < 0) {
        return error_prefix(err, "%s", step->name);
    }
    json_object_set_new(members, "changed", json_boolean(done == 0));
    *result = TAKE_PTR(members);
    return 0;
}

void step_progress(const struct step_context *ctx, int64_t done, int64_t total, const char *format,
                   ...)
{
    if (!ctx->progress)
        return;
    char text[PROGRESS_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ctx->progress(ctx->userdata, text, done, total);
}
