#include "agent/cluster.h"
#include "agent/kubeadm.h"
#include "agent/program.h"
#include "agent/step.h"

#include <errno.h>
#include <string.h>

#define ASK_TIMEOUT_MS 30000
#define CERTS_SECRET "kubeadm-certs"

static bool is_to_be_taken_back(const json_t *params)
{
    return !json_object_get(params, "config");
}

/* The Secret, whose content stays encrypted with a key that no cluster knows; NULL: there is none.
 */
static int get_secret(const struct step_context *ctx, json_t **out, struct error *err)
{
    static const char *const args[] = {"get",        "secret",
                                       "-n",         "kube-system",
                                       CERTS_SECRET, "--ignore-not-found",
                                       "-o",         "jsonpath={.metadata}",
                                       NULL};
    int r = kubectl_find(args, ctx->cancel, ASK_TIMEOUT_MS, out, err);
    return r < 0 ? r : 0;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    AUTO_JSON *secret = NULL;
    int r = cluster_need_control_plane(err);
    if (r == 0 && !is_to_be_taken_back(params)) {
        const char *config;
        strv_add(differences, "encrypt the certificates for control planes that join");
        return json_need_string(params, "config", &config, err);
    }
    r = r < 0 ? r : get_secret(ctx, &secret, err);
    if (r == 0 && secret) {
        strv_add(differences, "take the encrypted certificates back");
    }
    return r < 0 ? r : !secret;
}

static int delete_secret(const struct step_context *ctx, const char *name, struct error *err)
{
    const char *const args[] = {"delete", "secret", "-n", "kube-system", name, "--ignore-not-found",
                                NULL};
    return kubectl_run(args, ctx->cancel, ASK_TIMEOUT_MS, NULL, err);
}

/* kubeadm makes a token that is good for nothing but to let the Secret expire with it. */
static int take_back(const struct step_context *ctx, struct error *err)
{
    AUTO_JSON *secret = NULL;
    int r = get_secret(ctx, &secret, err);
    if (r < 0 || !secret) {
        return r;
    }
    size_t i;
    json_t *owner;
    json_array_foreach(json_object_get(secret, "ownerReferences"), i, owner) {
        const char *name = json_get_string(owner, "name", "");
        if (r == 0 && strncmp(name, "bootstrap-token-", 16) == 0) {
            r = delete_secret(ctx, name, err);
        }
    }
    return r < 0 ? r : delete_secret(ctx, CERTS_SECRET, err);
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    if (is_to_be_taken_back(params)) {
        return take_back(ctx, err);
    }
    /* What a former run left is encrypted with a key that is lost. */
    int r = take_back(ctx, err);
    return r < 0 ? r : kubeadm_upload_certs(ctx, json_get_string(params, "config", ""), err);
}

static int verify(const struct step_context *ctx, const json_t *params, struct error *err)
{
    AUTO_JSON *secret = NULL;
    int r = get_secret(ctx, &secret, err);
    if (r < 0 || !secret == is_to_be_taken_back(params)) {
        return r;
    }
    return error_set(err, -EIO, "Secret kube-system/" CERTS_SECRET " is %s",
                     secret ? "still there" : "not there");
}

const struct step step_certs = {.name = "certs", .check = check, .apply = apply, .verify = verify};
