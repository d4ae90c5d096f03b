#include "coordinator/stack-certificate.h"

#include "coordinator/stack-objects.h"
#include "coordinator/stack-render.h"
#include "coordinator/stack-secret.h"
#include "lib/base64.h"
#include "lib/kube.h"
#include "lib/tls.h"

#include <errno.h>
#include <string.h>

#define MANAGED_BY "app.kubernetes.io/managed-by"

/* A key of a Secret, "" when it is absent or no text. */
static void read_data(const json_t *secret, const char *key, struct strbuf *out)
{
    const char *encoded = json_get_string(json_object_get(secret, "data"), key, "");
    if (base64_decode(out, encoded, strlen(encoded)) < 0)
        strbuf_reset(out);
}

static bool is_ours(const json_t *secret)
{
    const json_t *labels = kube_labels(secret);
    return strcmp(json_get_string(labels, MANAGED_BY, ""), STACK_MANAGER) == 0;
}

/* The authority */

static int make_authority(const struct kubectl *k, struct tls_authority **out, struct error *err)
{
    AUTO_TLS_AUTHORITY *a = NULL;
    CLEANUP(strbuf_release_secret) struct strbuf key;
    strbuf_init(&key, TLS_PEM_MAX);
    int r;
    if ((r = tls_authority_new(STACK_AUTHORITY, &a, err)) < 0 ||
        (r = tls_authority_key(a, &key, err)) < 0)
        return r;
    AUTO_JSON *data = json_pack("{s:s, s:s}", "ca.crt", tls_authority_pem(a), "ca.key", key.data);
    if ((r = stack_create_secret(k, STACK_AUTHORITY, data, err)) == 0)
        *out = TAKE_PTR(a);
    return r;
}

static int get_authority(const struct kubectl *k, struct tls_authority **out, struct error *err)
{
    AUTO_JSON *found = NULL;
    int r = kubectl_find(k, "secret", STACK_AUTHORITY, STACK_NAMESPACE, &found, err);
    if (r < 0 || !found)
        return r < 0 ? r : make_authority(k, out, err);
    STRBUF(cert, TLS_PEM_MAX);
    CLEANUP(strbuf_release_secret) struct strbuf key;
    strbuf_init(&key, TLS_PEM_MAX);
    read_data(found, "ca.crt", &cert);
    read_data(found, "ca.key", &key);
    r = tls_authority_load(cert.data, key.data, out, err);
    return r < 0 ? error_prefix(err, "secret " STACK_AUTHORITY) : 0;
}

/* Certificates */

static int send_certificate(const struct kubectl *k, const char *name, struct tls_authority *a,
                            const struct strv *names, struct error *err)
{
    STRBUF(cert, TLS_PEM_MAX);
    CLEANUP(strbuf_release_secret) struct strbuf key;
    strbuf_init(&key, TLS_PEM_MAX);
    int r = tls_authority_issue_server(a, names, STACK_CERTIFICATE_DAYS, &cert, &key, err);
    if (r < 0)
        return r;
    AUTO_JSON *data = json_pack("{s:s, s:s, s:s}", "tls.crt", cert.data, "tls.key", key.data,
                                "ca.crt", tls_authority_pem(a));
    return stack_apply_secret(k, name, "kubernetes.io/tls", data, err);
}

/* Its names, with the component's values in them. */
static int fill_names(const struct stack_component *c, const struct strv *names, struct strv *out,
                      struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < names->count; i++) {
        AUTO_FREE char *name = NULL;
        if ((r = stack_substitute(names->items[i], c->values, &name, err)) == 0)
            strv_add(out, name);
    }
    return r;
}

static int make_certificate(const struct kubectl *k, const char *name, const struct strv *names,
                            bool *changed, struct error *err)
{
    AUTO_TLS_AUTHORITY *a = NULL;
    AUTO_JSON *found = NULL;
    STRBUF(cert, TLS_PEM_MAX);
    int r = kubectl_find(k, "secret", name, STACK_NAMESPACE, &found, err);
    if (r < 0 || (found && !is_ours(found)) || (r = get_authority(k, &a, err)) < 0)
        return r;
    read_data(found, "tls.crt", &cert);
    if (tls_authority_vouches(a, cert.data, names, STACK_CERTIFICATE_DAYS_LEFT))
        return 0;
    *changed = true;
    return send_certificate(k, name, a, names, err);
}

int stack_make_certificates(const struct kubectl *k, const struct stack_component *c, bool *changed,
                            struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < c->certificate_count; i++) {
        STRV(names);
        if ((r = fill_names(c, &c->certificates[i].keys, &names, err)) == 0)
            r = make_certificate(k, c->certificates[i].name, &names, changed, err);
    }
    return r < 0 ? error_prefix(err, "its certificates") : 0;
}
