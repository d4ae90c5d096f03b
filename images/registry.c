#include "images/registry.h"

#include "images/challenge.h"
#include "images/docker-config.h"
#include "images/registry-hosts.h"
#include "lib/secret.h"

#include <errno.h>
#include <string.h>

#define TOKEN_ANSWER_MAX (256 * 1024)
#define MESSAGE_MAX 300 /* of a server's own words */
#define HUB "docker.io"
#define HUB_SERVER "registry-1.docker.io"

struct endpoint {
    const struct registry_host *host;
    struct fetcher *fetcher;
    char *authorization; /* "Authorization: …", or NULL */
    struct credentials credentials;
    bool asked_config; /* for the credentials */
    bool down;         /* could not be reached */
};

struct registry {
    struct registry_settings settings;
    struct registry_hosts hosts;
    struct endpoint *endpoints; /* one per host */
    char *registry, *repository;
    char *docker_config;
};

/* What is wanted from one of the servers. */
struct wanted {
    const char *kind;      /* "manifests" or "blobs" */
    const char *reference; /* tag or digest */
    bool by_tag;
    const struct oci_descriptor *blob; /* blobs */
    const char *path;                  /* blobs */
    struct strbuf *body;               /* manifests, and so are the two below */
    char **type;
    char *digest;
};

int registry_open(const struct registry_settings *settings, const struct image_ref *ref,
                  struct registry **out, struct error *err)
{
    AUTO_REGISTRY *r = xcalloc(1, sizeof(*r));
    AUTO_FREE char *dir = settings->config_dir ? xstrdup(settings->config_dir)
                                               : registry_config_dir();
    r->settings = *settings;
    r->docker_config = settings->docker_config ? xstrdup(settings->docker_config)
                                               : docker_config_path();
    r->registry = xstrdup(ref->host);
    r->repository = xstrdup(ref->repository);
    int e = registry_hosts_load(dir, ref->host, &r->hosts, err);
    if (e < 0)
        return e;
    r->endpoints = xcalloc(r->hosts.count, sizeof(*r->endpoints));
    for (size_t i = 0; i < r->hosts.count; i++) {
        const struct fetch_settings fetch = {.ca_file = r->hosts.items[i].ca,
                                             .insecure_http = r->hosts.items[i].plain,
                                             .cancel = settings->cancel,
                                             .progress = settings->progress,
                                             .userdata = settings->userdata};
        r->endpoints[i] = (struct endpoint){.host = &r->hosts.items[i],
                                            .fetcher = fetcher_new(&fetch)};
    }
    *out = TAKE_PTR(r);
    return 0;
}

void registry_close(struct registry **r)
{
    if (!*r)
        return;
    for (size_t i = 0; (*r)->endpoints && i < (*r)->hosts.count; i++) {
        fetcher_free(&(*r)->endpoints[i].fetcher);
        secret_free(&(*r)->endpoints[i].authorization);
        credentials_release(&(*r)->endpoints[i].credentials);
    }
    free((*r)->endpoints);
    registry_hosts_release(&(*r)->hosts);
    free((*r)->registry);
    free((*r)->repository);
    free((*r)->docker_config);
    free(*r);
    *r = NULL;
}

/* Logging in */

/* A host that only begins like it, "a.io.example" for "a.io", is another. */
static bool is_below(const char *url, const struct registry_host *host)
{
    size_t len = strlen(host->url);
    return strncmp(url, host->url, len) == 0 && url[len] == '/';
}

/* Docker Hub's server has another name than the registry. */
static const char *login_name(const struct endpoint *e)
{
    return strcmp(e->host->name, HUB_SERVER) == 0 ? HUB : e->host->name;
}

static int find_credentials(struct registry *r, struct endpoint *e, struct error *err)
{
    if (e->asked_config)
        return 0;
    int x = docker_config_find(r->docker_config, login_name(e), r->settings.cancel, &e->credentials,
                               err);
    e->asked_config = x == 0;
    return x;
}

static int login_error(const struct endpoint *e, struct error *err)
{
    const char *name = login_name(e);
    if (e->credentials.user)
        error_set(err, -EACCES, "%s refuses the login of %s", name, e->credentials.user);
    else
        error_set(err, -EACCES, "%s asks for a login, or does not have this image", name);
    return error_remedy(err, "docker login %s, or write its user to $DOCKER_CONFIG/config.json",
                        name);
}

static void add_query(struct strbuf *url, const char *name, const char *value)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/:";
    strbuf_addf(url, "%c%s=", strchr(url->data, '?') ? '&' : '?', name);
    for (const char *p = value; *p; p++)
        if (strchr(plain, *p))
            strbuf_addc(url, *p);
        else
            strbuf_addf(url, "%%%02X", (unsigned char) *p);
}

static char *token_url(const struct registry *r, const struct challenge *c)
{
    AUTO_FREE char *scope = xasprintf("repository:%s:pull", r->repository);
    STRBUF(url, 16 * 1024);
    strbuf_adds(&url, c->realm);
    if (c->service)
        add_query(&url, "service", c->service);
    add_query(&url, "scope", c->scope ? c->scope : scope);
    return strbuf_steal(&url);
}

static bool is_token(const char *text)
{
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p > '~')
            return false;
    return *text;
}

static int take_token(struct endpoint *e, const struct strbuf *answer, struct error *err)
{
    AUTO_JSON *json = json_parse(answer->data, answer->len, "token", NULL);
    const char *token = json_get_string(json, "token", "");
    if (!*token)
        token = json_get_string(json, "access_token", "");
    if (!is_token(token))
        return error_set(err, -EBADMSG, "the token server of %s gives no token", e->host->name);
    secret_free(&e->authorization);
    e->authorization = xasprintf("Authorization: Bearer %s", token);
    return 0;
}

/* As the distribution spec's "token authentication": GET realm?service=…&scope=… */
static int get_token(struct registry *r, struct endpoint *e, const struct challenge *c,
                     struct error *err)
{
    AUTO_RESPONSE response = {0};
    CLEANUP(strbuf_release_secret) struct strbuf answer;
    STRV(headers);
    strbuf_init(&answer, TOKEN_ANSWER_MAX);
    AUTO_FREE char *url = token_url(r, c);
    if (e->credentials.user) {
        AUTO_SECRET *basic = credentials_basic(&e->credentials);
        strv_addf(&headers, "Authorization: %s", basic);
    }
    const struct fetch_request request = {.url = url, .headers = &headers};
    int x = fetch_get(e->fetcher, &request, &answer, &response, err);
    if (x < 0)
        return error_prefix(err, "token server of %s", e->host->name);
    if (response.status == 401 || response.status == 403)
        return login_error(e, err);
    if (response.status != 200)
        return error_set(err, -EREMOTEIO, "the token server of %s answers with status %ld",
                         e->host->name, response.status);
    return take_token(e, &answer, err);
}

static int log_in(struct registry *r, struct endpoint *e, const struct fetch_response *response,
                  struct error *err)
{
    AUTO_CHALLENGE challenge = {0};
    /* Where a redirect led to is not the registry, and is told nothing about us. */
    if (!is_below(response->url, e->host))
        return error_set(err, -EACCES, "%s redirects to where a login is asked for", e->host->name);
    if (response->challenge)
        challenge_parse(response->challenge, &challenge);
    int x = find_credentials(r, e, err);
    if (x < 0)
        return x;
    if (challenge.bearer && challenge.realm)
        return get_token(r, e, &challenge, err);
    if (!challenge.basic)
        return error_set(err, -EACCES, "%s asks for a login of a kind that is not supported",
                         e->host->name);
    if (!e->credentials.user)
        return login_error(e, err);
    AUTO_SECRET *basic = credentials_basic(&e->credentials);
    secret_free(&e->authorization);
    e->authorization = xasprintf("Authorization: %s", basic);
    return 0;
}

/* One server */

static char *wanted_url(const struct registry *r, const struct endpoint *e, const struct wanted *w)
{
    STRBUF(url, 8 * 1024);
    strbuf_addf(&url, "%s/%s/%s/%s", e->host->url, r->repository, w->kind, w->reference);
    /* As containerd does: a mirror of several registries can tell them apart. */
    if (strcmp(e->host->name, r->registry) != 0 && strcmp(e->host->name, HUB_SERVER) != 0)
        add_query(&url, "ns", r->registry);
    return strbuf_steal(&url);
}

static int ask(const struct registry *r, const struct endpoint *e, const struct wanted *w,
               struct fetch_response *response, struct error *err)
{
    AUTO_FREE char *url = wanted_url(r, e, w);
    STRV(headers);
    if (e->authorization)
        strv_add(&headers, e->authorization);
    if (!w->blob)
        strv_add(&headers, "Accept: " OCI_ACCEPT);
    const struct fetch_request request = {.url = url, .headers = &headers};
    if (!w->blob)
        return fetch_get(e->fetcher, &request, w->body, response, err);
    return fetch_file(e->fetcher, &request, w->path, w->blob->digest, w->blob->size, w->blob->size,
                      response, err);
}

/* {"errors":[{"message":"…"}]}: what the server says about it, for people. */
static void add_message(const struct wanted *w, struct error *err)
{
    AUTO_JSON *json = w->body ? json_parse(w->body->data, w->body->len, "answer", NULL) : NULL;
    const json_t *first = json_array_get(json_object_get(json, "errors"), 0);
    const char *message = json_get_string(first, "message", "");
    STRBUF(safe, MESSAGE_MAX);
    strbuf_add_printable(&safe, message, strlen(message));
    if (safe.len && err) {
        AUTO_FREE char *text = xstrdup(err->text);
        error_set(err, err->code, "%s (%s)", text, safe.data);
    }
}

static int status_error(const struct endpoint *e, const struct wanted *w,
                        const struct fetch_response *response, struct error *err)
{
    const char *name = e->host->name;
    if (response->status == 401)
        return login_error(e, err);
    if (response->status == 404)
        error_set(err, -ENOENT, "%s has no such image or part of one", name);
    else if (response->status == 403)
        error_set(err, -EACCES, "%s denies it", name);
    else if (response->status == 429 && response->retry_after)
        error_set(err, -EREMOTEIO, "%s has had too many requests: again in %ld s", name,
                  response->retry_after);
    else
        error_set(err, -EREMOTEIO, "%s answers with status %ld", name, response->status);
    add_message(w, err);
    return err ? err->code : -EREMOTEIO;
}

static int take_manifest(const struct endpoint *e, const struct wanted *w,
                         const struct fetch_response *response, struct error *err)
{
    char digest[DIGEST_SIZE];
    digest_buffer(w->body->data, w->body->len, digest);
    const char *said = response->digest && digest_is_valid(response->digest) ? response->digest
                                                                             : digest;
    const char *expected = w->by_tag ? said : w->reference;
    if (strcmp(digest, expected) != 0)
        return error_set(err, -EBADMSG, "%s gives a manifest with the digest %s for %s",
                         e->host->name, digest, expected);
    memcpy(w->digest, digest, DIGEST_SIZE);
    free(*w->type);
    *w->type = response->type ? xstrdup(response->type) : NULL;
    return 0;
}

static int ask_endpoint(struct registry *r, struct endpoint *e, const struct wanted *w,
                        struct error *err)
{
    AUTO_RESPONSE response = {0};
    int x = ask(r, e, w, &response, err);
    if (response.status == 401 && (x == 0 || x == -EREMOTEIO)) {
        if ((x = log_in(r, e, &response, err)) < 0)
            return x;
        x = ask(r, e, w, &response, err);
    }
    if (x < 0 && x != -EREMOTEIO)
        return x;
    if (response.status != 200 && response.status != 206 && response.status != 0)
        return status_error(e, w, &response, err);
    return w->body ? take_manifest(e, w, &response, err) : x;
}

/* All of them */

/* What another server would not make better. */
static bool is_ours(int r)
{
    return r == -ECANCELED || r == -ENOSPC || r == -EDQUOT || r == -EROFS || r == -EINVAL ||
           r == -EPERM;
}

static bool is_down(int r)
{
    return r == -ECONNREFUSED || r == -EHOSTUNREACH || r == -ETIMEDOUT || r == -EKEYREJECTED;
}

static int ask_all(struct registry *r, const struct wanted *w, struct error *err)
{
    STRBUF(texts, ERROR_TEXT_MAX);
    struct error one = ERROR_INIT;
    size_t asked = 0;
    for (size_t i = 0; i < r->hosts.count; i++) {
        struct endpoint *e = &r->endpoints[i];
        bool last = i + 1 == r->hosts.count;
        if (!(w->by_tag ? e->host->resolve : e->host->pull) || (e->down && !last))
            continue;
        one = ERROR_INIT;
        int x = ask_endpoint(r, e, w, &one);
        if (x == 0)
            return 0;
        e->down = is_down(x);
        strbuf_addf(&texts, "%s%s", asked++ ? "; " : "", one.text);
        if (is_ours(x))
            break;
    }
    if (!asked)
        return error_set(err, -ENOENT, "hosts.toml has no server for this");
    error_set(err, one.code, "%s", texts.data);
    return *one.remedy ? error_remedy(err, "%s", one.remedy) : one.code;
}

int registry_manifest(struct registry *r, const char *reference, struct strbuf *body, char **type,
                      char digest[DIGEST_SIZE], struct error *err)
{
    const struct wanted w = {.kind = "manifests",
                             .reference = reference,
                             .by_tag = !digest_is_valid(reference),
                             .body = body,
                             .type = type,
                             .digest = digest};
    return ask_all(r, &w, err);
}

int registry_blob(struct registry *r, const struct oci_descriptor *blob, const char *path,
                  struct error *err)
{
    const struct wanted w = {
        .kind = "blobs", .reference = blob->digest, .blob = blob, .path = path};
    return ask_all(r, &w, err);
}
