#include "agent/program.h"
#include "agent/service.h"
#include "agent/step.h"
#include "agent/traces.h"

#include <unistd.h>

/* Before the host is a node, kubelet is not started: kubeadm writes its configuration and does so.
 */
static enum service_want wanted(void)
{
    return access(KUBELET_CONF, F_OK) == 0 ? SERVICE_RUNNING : SERVICE_AS_IT_IS;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    int r = traces_check(ctx->ledger, TRACES_NODE, err);
    return r < 0 ? r : service_check(params, ctx->ledger, wanted(), differences, err);
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    int r = traces_record(ctx, TRACES_NODE, err);
    return r < 0 ? r : service_apply(ctx, params, wanted(), err);
}

const struct step step_kubelet = {.name = "kubelet", .check = check, .apply = apply};
