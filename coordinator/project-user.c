#include "coordinator/project-user.h"

#include "coordinator/project.h"
#include "coordinator/stack-objects.h"
#include "lib/base64.h"
#include "lib/clock.h"
#include "lib/digest.h"
#include "lib/tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SIGNER "kubernetes.io/kube-apiserver-client"
#define DAY_SECONDS 86400
#define SIGN_TIMEOUT_MS 30000
#define SIGN_POLL_MS 200
#define ENDPOINT_MAX ((size_t) 256 * 1024) /* the authority's certificates are in it */

struct endpoint {
    char *server, *authority; /* URL; PEM in base64 */
};

static void endpoint_release(struct endpoint *e)
{
    free(e->server);
    free(e->authority);
}

/* Of the admin's kubeconfig only what is no secret. */
static int get_endpoint(const struct kubectl *k, struct endpoint *out, struct error *err)
{
    static const char *const args[] = {"config",
                                       "view",
                                       "--raw",
                                       "--minify",
                                       "--flatten",
                                       "-o",
                                       "jsonpath={.clusters[0].cluster.server} "
                                       "{.clusters[0].cluster.certificate-authority-data}",
                                       NULL};
    STRBUF(text, ENDPOINT_MAX);
    STRV(parts);
    int r = kubectl_run(k, args, NULL, KUBECTL_TIMEOUT_MS, &text, err);
    if (r < 0)
        return r;
    strv_split(&parts, text.data, ' ');
    if (parts.count != 2)
        return error_set(err, -EBADMSG, "%s names no server with its authority", k->kubeconfig);
    *out = (struct endpoint){xstrdup(parts.items[0]), xstrdup(parts.items[1])};
    return 0;
}

/* Signing */

static void make_name(char out[32])
{
    unsigned char bytes[8];
    char *end = stpcpy(out, "bigtop-user-");
    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        end += snprintf(end, 3, "%02x", bytes[i]);
}

static int ask(const struct kubectl *k, const char *name, const struct strbuf *request,
               int64_t seconds, struct error *err)
{
    static const char *const create[] = {"create", "-f", "-", NULL};
    const char *const approve[] = {"certificate", "approve", name, NULL};
    STRBUF(encoded, TLS_PEM_MAX * 2);
    base64_encode(&encoded, request->data, request->len, true);
    AUTO_JSON *csr = json_pack(
        "{s:s, s:s, s:{s:s, s:{s:s}}, s:{s:s, s:s, s:I, s:[s]}}", "apiVersion",
        "certificates.k8s.io/v1", "kind", "CertificateSigningRequest", "metadata", "name", name,
        "labels", "app.kubernetes.io/managed-by", STACK_MANAGER, "spec", "request", encoded.data,
        "signerName", SIGNER, "expirationSeconds", (json_int_t) seconds, "usages", "client auth");
    AUTO_FREE char *text = json_canonical(csr);
    int r = kubectl_run(k, create, text, KUBECTL_TIMEOUT_MS, NULL, err);
    return r < 0 ? r : kubectl_run(k, approve, NULL, KUBECTL_TIMEOUT_MS, NULL, err);
}

/* 1: it is signed; 0: not yet. */
static int look(const struct kubectl *k, const char *name, char **certificate, struct error *err)
{
    const char *const args[] = {"get", "certificatesigningrequest", name, NULL};
    AUTO_JSON *csr = NULL;
    size_t i;
    json_t *condition;
    int r = kubectl_json(k, args, NULL, &csr, err);
    if (r < 0)
        return r;
    const json_t *status = json_object_get(csr, "status");
    const char *text = json_get_string(status, "certificate", NULL);
    if (text) {
        *certificate = xstrdup(text);
        return 1;
    }
    json_array_foreach(json_object_get(status, "conditions"), i, condition)
        if (strcmp(json_get_string(condition, "type", ""), "Approved") != 0)
            return error_set(err, -EACCES, "the cluster did not sign it: %s",
                             json_get_string(condition, "message", "no reason given"));
    return 0;
}

static int await_certificate(const struct kubectl *k, const char *name, char **certificate,
                             struct error *err)
{
    const struct timespec pause = {.tv_nsec = SIGN_POLL_MS * 1000000L};
    int64_t deadline = clock_monotonic_ms() + SIGN_TIMEOUT_MS;
    int r;
    while ((r = look(k, name, certificate, err)) == 0 && clock_left_ms(deadline) > 0)
        nanosleep(&pause, NULL);
    if (r != 0)
        return r < 0 ? r : 0;
    error_set(err, -ETIMEDOUT, "the cluster did not sign the certificate in %d s",
              SIGN_TIMEOUT_MS / 1000);
    return error_remedy(err,
                        "kubectl -n kube-system get pods: is kube-controller-manager running?");
}

/* It is of no use afterwards, and would be there for an hour. */
static int sign(const struct kubectl *k, const struct strbuf *request, int64_t seconds,
                char **certificate, struct error *err)
{
    char name[32];
    make_name(name);
    const char *const delete[] = {"delete", "certificatesigningrequest", name, "--ignore-not-found",
                                  NULL};
    int r = ask(k, name, request, seconds, err);
    r = r < 0 ? r : await_certificate(k, name, certificate, err);
    (void) kubectl_run(k, delete, NULL, KUBECTL_TIMEOUT_MS, NULL, NULL);
    return r;
}

/* The file */

static void add_contexts(const struct project_login *login, struct strbuf *out)
{
    const struct inventory *inv = login->inv;
    for (size_t i = 0; i < inv->project_count; i++)
        if (project_role_of(&inv->projects[i], login->user) != PROJECT_STRANGER)
            strbuf_addf(out,
                        "  - name: \"%s\"\n    context: {cluster: \"%s\", user: \"%s\", namespace: "
                        "\"%s\"}\n",
                        inv->projects[i].name, inv->cluster_name, login->user,
                        inv->projects[i].name);
}

/* No name in it has a quote; the key stands in base64 as all of it does. */
static int write_config(const struct project_login *login, const struct endpoint *e,
                        const char *certificate, const struct strbuf *key, struct strbuf *out)
{
    const char *cluster = login->inv->cluster_name;
    strbuf_addf(out,
                "apiVersion: v1\nkind: Config\nclusters:\n  - name: \"%s\"\n    cluster:\n"
                "      server: \"%s\"\n      certificate-authority-data: %s\nusers:\n"
                "  - name: \"%s\"\n    user:\n      client-certificate-data: %s\n"
                "      client-key-data: ",
                cluster, e->server, e->authority, login->user, certificate);
    base64_encode(out, key->data, key->len, true);
    strbuf_adds(out, "\ncontexts:\n");
    add_contexts(login, out);
    strbuf_addf(out, "current-context: \"%s\"\n", login->project);
    return strbuf_full(out) ? -E2BIG : 0;
}

static int choose(struct project_login *login, struct error *err)
{
    const struct inventory *inv = login->inv;
    const struct project *named = login->project ? project_find(inv, login->project) : NULL;
    if (login->project && !named)
        return error_set(err, -ENOENT, "%s has no project %s", inv->path, login->project);
    if (named && project_role_of(named, login->user) == PROJECT_STRANGER)
        return error_set(err, -ENOENT, "%s is neither owner nor scientist of project %s",
                         login->user, named->name);
    for (size_t i = 0; !login->project && i < inv->project_count; i++)
        if (project_role_of(&inv->projects[i], login->user) != PROJECT_STRANGER)
            login->project = inv->projects[i].name;
    if (login->project)
        return 0;
    error_set(err, -ENOENT, "%s is in no project of %s", login->user, inv->path);
    return error_remedy(err, "add the name to owners or scientists of a project");
}

int project_kubeconfig(const struct kubectl *k, const struct project_login *login,
                       struct strbuf *out, struct error *err)
{
    struct project_login chosen = *login;
    CLEANUP(endpoint_release) struct endpoint endpoint = {0};
    CLEANUP(strbuf_release_secret) struct strbuf key;
    AUTO_FREE char *certificate = NULL;
    STRBUF(request, TLS_PEM_MAX);
    int r;
    strbuf_init(&key, TLS_PEM_MAX);
    if ((r = choose(&chosen, err)) < 0 || (r = get_endpoint(k, &endpoint, err)) < 0 ||
        (r = tls_request_make(login->user, PROJECT_GROUP, &request, &key, err)) < 0 ||
        (r = sign(k, &request, login->days * DAY_SECONDS, &certificate, err)) < 0)
        return r;
    r = write_config(&chosen, &endpoint, certificate, &key, out);
    return r < 0 ? error_set(err, r, "the kubeconfig would be too large") : 0;
}
