#include "agent/service.h"
#include "agent/step.h"
#include "agent/traces.h"

/* Enabled but not started: kubeadm writes kubelet's configuration and starts it. */

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    int r = traces_check(ctx->ledger, TRACES_NODE, err);
    return r < 0 ? r : service_check(params, ctx->ledger, SERVICE_AS_IT_IS, differences, err);
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    int r = traces_record(ctx, TRACES_NODE, err);
    return r < 0 ? r : service_apply(ctx, params, SERVICE_AS_IT_IS, err);
}

const struct step step_kubelet = {.name = "kubelet", .check = check, .apply = apply};
