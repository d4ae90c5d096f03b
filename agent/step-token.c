#include "agent/kubeadm.h"
#include "agent/program.h"
#include "agent/step.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define TTL_MAX_SECONDS 86400
#define TOKEN_TIMEOUT_MS 60000

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    (void) ctx;
    int64_t ttl;
    int r = json_need_int(params, "ttl_seconds", &ttl, err);
    if (r < 0) {
        return r;
    }
    if (ttl < 60 || ttl > TTL_MAX_SECONDS) {
        return error_set(err, -EINVAL, "ttl_seconds: expected 60 to %d", TTL_MAX_SECONDS);
    }
    if (access(ADMIN_CONF, F_OK) < 0) {
        error_set(err, -ENOENT, "this host is not a control plane: no %s", ADMIN_CONF);
        return error_remedy(err, "ask the host that carries the control plane");
    }
    strv_add(differences, "make a token to join with");
    return 0;
}

static int create_token(const struct step_context *ctx, int64_t ttl, struct strbuf *out,
                        struct error *err)
{
    STRV(argv);
    strv_add(&argv, PROGRAM_KUBEADM);
    strv_add(&argv, "token");
    strv_add(&argv, "create");
    strv_addf(&argv, "--ttl=%llds", (long long) ttl);
    strv_add(&argv, "--kubeconfig=" ADMIN_CONF);
    struct process_options options = program_options(ctx->cancel, TOKEN_TIMEOUT_MS);
    options.out = out;
    int r = process_runv(&argv, &options, NULL, err);
    if (r < 0 && err) {
        kubeadm_redact(err->text);
    }
    out->data[strcspn(out->data, "\n")] = '\0';
    return r;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    STRBUF(token, 256);
    int r = create_token(ctx, json_get_int(params, "ttl_seconds", 0), &token, err);
    r = r < 0 ? r : kubeadm_admin_access(result, err);
    if (r == 0)
        json_object_set_new(result, "token", json_string(token.data));
    strbuf_release_secret(&token);
    return r;
}

/* There is nothing to find on the host: what was made was given away. */
static int verify(const struct step_context *ctx, const json_t *params, struct error *err)
{
    (void) ctx;
    (void) params;
    (void) err;
    return 0;
}

const struct step step_token = {.name = "token", .check = check, .apply = apply, .verify = verify};
