#include "images/docker-config.h"

#include "lib/base64.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/path.h"
#include "lib/process.h"
#include "lib/secret.h"

#include <errno.h>
#include <string.h>

#define CONFIG_MAX (1024 * 1024)
#define SECRET_MAX (64 * 1024)
#define HELPER_TIMEOUT_MS 30000
#define HUB "docker.io"
#define HUB_KEY "https://index.docker.io/v1/" /* what docker login writes for it */

void credentials_release(struct credentials *c)
{
    secret_free(&c->user);
    secret_free(&c->password);
}

char *credentials_basic(const struct credentials *c)
{
    AUTO_SECRET *both = xasprintf("%s:%s", c->user, c->password);
    CLEANUP(strbuf_release_secret) struct strbuf out;
    strbuf_init(&out, 2 * SECRET_MAX);
    strbuf_adds(&out, "Basic ");
    base64_encode(&out, both, strlen(both), true);
    return xstrdup(out.data);
}

char *docker_config_path(void)
{
    const char *dir = getenv("DOCKER_CONFIG");
    return dir && *dir ? path_join(dir, "config.json") : path_expand_home("~/.docker/config.json");
}

/* "https://host:port/v1/" is written for the registry host:port. */
static bool is_for(const char *key, const char *registry)
{
    if (strcmp(registry, HUB) == 0 && strcmp(key, HUB_KEY) == 0)
        return true;
    const char *scheme = strstr(key, "://");
    const char *host = scheme ? scheme + 3 : key;
    size_t len = strcspn(host, "/");
    const char *path = host + len;
    bool plain = !*path || strcmp(path, "/") == 0 || strcmp(path, "/v1/") == 0 ||
                 strcmp(path, "/v2/") == 0;
    return plain && strlen(registry) == len && strncmp(host, registry, len) == 0;
}

static const json_t *find_member(const json_t *object, const char *registry)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) object, key, value)
        if (is_for(key, registry))
            return value;
    return NULL;
}

static int take(const char *user, const char *password, struct credentials *out, struct error *err)
{
    if (!*user || strchr(user, ':') || strpbrk(user, "\r\n"))
        return error_set(err, -EINVAL, "no user name that can be used");
    credentials_release(out);
    out->user = xstrdup(user);
    out->password = xstrdup(password);
    return 0;
}

/* "auth": base64 of "user:password" */
static int decode_auth(const char *auth, struct credentials *out, struct error *err)
{
    CLEANUP(strbuf_release_secret) struct strbuf text;
    strbuf_init(&text, SECRET_MAX);
    char *colon = NULL;
    if (base64_decode(&text, auth, strlen(auth)) == 0 && strlen(text.data) == text.len)
        colon = strchr(text.data, ':');
    if (!colon)
        return error_set(err, -EINVAL, "\"auth\" is not the base64 of USER:PASSWORD");
    *colon = '\0';
    return take(text.data, colon + 1, out, err);
}

static int read_auth(const json_t *entry, struct credentials *out, struct error *err)
{
    const char *auth = json_get_string(entry, "auth", "");
    const char *user = json_get_string(entry, "username", "");
    if (*json_get_string(entry, "identitytoken", ""))
        return error_set(err, -EINVAL,
                         "an identity token is not supported: log in with a "
                         "password or an access token");
    if (*auth)
        return decode_auth(auth, out, err);
    return *user ? take(user, json_get_string(entry, "password", ""), out, err) : 0;
}

static bool is_helper_name(const char *name)
{
    return *name && *name != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               strlen(name);
}

static int read_helper_answer(const struct strbuf *text, struct credentials *out, struct error *err)
{
    AUTO_JSON *json = json_parse(text->data, text->len, "its answer", NULL);
    const char *user, *password;
    int r;
    if (!json) /* the parser's words may have a part of the secret */
        return error_set(err, -EINVAL, "its answer is no JSON");
    if ((r = json_need_string(json, "Username", &user, err)) < 0 ||
        (r = json_need_string(json, "Secret", &password, err)) < 0)
        return r;
    return take(user, password, out, err);
}

static int ask_helper(const char *name, const char *registry, const bool *cancel,
                      struct credentials *out, struct error *err)
{
    if (!is_helper_name(name))
        return error_set(err, -EINVAL, "the name of a credential helper cannot be used");
    AUTO_FREE char *program = xasprintf("docker-credential-%s", name);
    const char *server = strcmp(registry, HUB) == 0 ? HUB_KEY : registry;
    const char *const argv[] = {program, "get", NULL};
    CLEANUP(strbuf_release_secret) struct strbuf answer;
    strbuf_init(&answer, SECRET_MAX);
    const struct process_options opts = {.stdin_data = server,
                                         .stdin_len = strlen(server),
                                         .out = &answer,
                                         .timeout_ms = HELPER_TIMEOUT_MS,
                                         .cancel = cancel,
                                         .die_with_parent = true};
    int r = process_run(argv, &opts, NULL, err);
    if (r == -EREMOTEIO && strstr(answer.data, "credentials not found"))
        return 0; /* as docker-credential-helpers says it */
    if (r == 0)
        r = read_helper_answer(&answer, out, err);
    return r < 0 ? error_prefix(err, "%s", program) : 0;
}

static int find(const json_t *config, const char *registry, const bool *cancel,
                struct credentials *out, struct error *err)
{
    const json_t *helper = find_member(json_object_get(config, "credHelpers"), registry);
    if (json_is_string(helper))
        return ask_helper(json_string_value(helper), registry, cancel, out, err);
    const json_t *entry = find_member(json_object_get(config, "auths"), registry);
    int r = entry ? read_auth(entry, out, err) : 0;
    const char *store = json_get_string(config, "credsStore", "");
    if (r < 0 || out->user || !*store)
        return r;
    return ask_helper(store, registry, cancel, out, err);
}

int docker_config_find(const char *path, const char *registry, const bool *cancel,
                       struct credentials *out, struct error *err)
{
    CLEANUP(strbuf_release_secret) struct strbuf text;
    strbuf_init(&text, CONFIG_MAX);
    int r = file_read(path, &text, err);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    AUTO_JSON *config = json_parse(text.data, text.len, path, NULL);
    if (!json_is_object(config))
        return error_set(err, -EINVAL, "%s is not a JSON object", path);
    r = find(config, registry, cancel, out, err);
    return r < 0 && r != -ECANCELED ? error_prefix(err, "%s: %s", path, registry) : r;
}
