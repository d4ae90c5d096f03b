#include "agent/kubeadm.h"
#include "agent/ledger.h"
#include "agent/serve.h"
#include "agent/step.h"
#include "lib/grammar.h"

#include <errno.h>

/* Data folders that go as well; everything else of users' stays. */
static int named_volumes(const json_t *params, struct strv *volumes, struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(params, "delete_volumes"), i, item) {
        if (!json_is_string(item) || !grammar_absolute_path(json_string_value(item))) {
            return error_set(err, -EINVAL, "delete_volumes: expected absolute paths");
        }
        strv_add(volumes, json_string_value(item));
    }
    return 0;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    STRV(volumes);
    int r = named_volumes(params, &volumes, err);
    strv_addf(differences, "undo %zu recorded changes", ledger_count(ctx->ledger));
    return r;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    STRV(volumes);
    int r = named_volumes(params, &volumes, err);
    /* Should it break off: what is left here is no cluster to be spared any more. */
    r = r < 0 ? r : ledger_set(ctx->ledger, LEDGER_LEAVING, "yes", err);
    r = r < 0 ? r : ledger_undo(ctx->ledger, &volumes, ctx->progress, ctx->userdata, err);
    if (r < 0) {
        return error_remedy(err, "mend what it names, then run `bigtop-bootstrap reset` again: "
                                 "it goes on where it stopped");
    }
    serve_quit_after_reply();
    return 0;
}

/* The ledger is empty, and the agent about to go. */
static int verify(const struct step_context *ctx, const json_t *params, struct error *err)
{
    (void) ctx;
    (void) params;
    (void) err;
    return 0;
}

const struct step step_reset = {.name = "reset", .check = check, .apply = apply, .verify = verify};
