#include "images/registry-hosts.h"

#include "images/toml.h"
#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/json.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define HUB "docker.io"
#define HUB_SERVER "registry-1.docker.io"

static void host_release(struct registry_host *h)
{
    free(h->url);
    free(h->name);
    free(h->ca);
}

void registry_hosts_release(struct registry_hosts *h)
{
    for (size_t i = 0; i < h->count; i++)
        host_release(&h->items[i]);
    free(h->items);
    *h = (struct registry_hosts){0};
}

char *registry_config_dir(void)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    return config && *config == '/' ? path_join(config, "bigtop-bootstrap/registries")
                                    : path_expand_home("~/.config/bigtop-bootstrap/registries");
}

/* One host */

/* "host:port" of a URL with nothing but scheme, host, port and path in it. */
static int split_url(struct registry_host *h, const char *url, struct error *err)
{
    const char *host = strncmp(url, "https://", 8) == 0  ? url + 8
                       : strncmp(url, "http://", 7) == 0 ? url + 7
                                                         : NULL;
    size_t len = host ? strcspn(host, "/") : 0;
    if (len == 0 || strpbrk(url, "@?#\\ \t\r\n\""))
        return error_set(err, -EINVAL, "\"%s\" is not https://HOST[:PORT][/PATH]", url);
    h->plain = url[4] == ':';
    h->name = xstrndup(host, len);
    return 0;
}

/* As containerd does it: "/v2" is added unless it is there or the path is to be used as it is. */
static void set_url(struct registry_host *h, const char *url)
{
    size_t len = strlen(url);
    while (len && url[len - 1] == '/')
        len--;
    bool complete = h->override_path || (len > 3 && strncmp(url + len - 3, "/v2", 3) == 0);
    h->url = xasprintf("%.*s%s", (int) len, url, complete ? "" : "/v2");
}

static int read_capabilities(struct registry_host *h, const json_t *list, struct error *err)
{
    size_t i;
    json_t *item;
    if (!json_is_array(list))
        return error_set(err, -EINVAL, "\"capabilities\" is not a list");
    h->pull = h->resolve = false;
    json_array_foreach((json_t *) list, i, item) {
        const char *name = json_string_value(item);
        if (strcmp(name, "pull") == 0)
            h->pull = true;
        else if (strcmp(name, "resolve") == 0)
            h->resolve = true;
        else if (strcmp(name, "push") != 0)
            return error_set(err, -EINVAL,
                             "unknown capability \"%s\", expected pull, resolve or "
                             "push",
                             name);
    }
    return 0;
}

static int read_ca(struct registry_host *h, const json_t *value, const char *dir, struct error *err)
{
    if (!json_is_string(value))
        return error_set(err, -EINVAL, "\"ca\" is not the path of a file");
    const char *path = json_string_value(value);
    h->ca = *path == '/' ? xstrdup(path) : path_join(dir, path);
    if (access(h->ca, R_OK) < 0)
        return error_errno(err, -EINVAL, "\"ca\": cannot read %s", h->ca);
    return 0;
}

static int read_key(struct registry_host *h, const char *key, const json_t *value, const char *dir,
                    struct error *err)
{
    if (strcmp(key, "capabilities") == 0)
        return read_capabilities(h, value, err);
    if (strcmp(key, "ca") == 0)
        return read_ca(h, value, dir, err);
    bool skip = strcmp(key, "skip_verify") == 0;
    if (!skip && strcmp(key, "override_path") != 0)
        return error_set(err, -EINVAL,
                         "\"%s\" is not supported, expected capabilities, ca, "
                         "override_path, skip_verify",
                         key);
    if (!json_is_boolean(value))
        return error_set(err, -EINVAL, "\"%s\" is neither true nor false", key);
    if (skip && json_is_true(value)) {
        error_set(err, -EINVAL, "\"skip_verify\" is not possible: certificates are always checked");
        return error_remedy(err, "name the registry's CA with \"ca\"");
    }
    if (!skip)
        h->override_path = json_is_true(value);
    return 0;
}

/* top: of the file, where `server` and `host` are as well. */
static int read_host(struct registry_hosts *out, const char *url, const json_t *table, bool top,
                     const char *dir, struct error *err)
{
    if (out->count == REGISTRY_HOSTS_MAX)
        return error_set(err, -EINVAL, "more than %d hosts", REGISTRY_HOSTS_MAX);
    struct registry_host *h = &out->items[out->count++];
    *h = (struct registry_host){.pull = true, .resolve = true};
    const char *key;
    json_t *value;
    int r = split_url(h, url, err);
    if (r < 0)
        return r;
    json_object_foreach((json_t *) table, key, value) {
        if (top && (strcmp(key, "server") == 0 || strcmp(key, "host") == 0))
            continue;
        if ((r = read_key(h, key, value, dir, err)) < 0) {
            (void) error_prefix(err, "%s", url);
            return r;
        }
    }
    set_url(h, url);
    return 0;
}

/* All of a registry */

static bool is_loopback(const char *registry)
{
    AUTO_FREE char *host = xstrndup(registry, strcspn(registry, ":"));
    uint32_t address;
    return strcmp(host, "localhost") == 0 ||
           (grammar_ipv4_parse(host, &address) && address >> 24 == 127);
}

static char *default_server(const char *registry)
{
    return xasprintf("%s://%s", is_loopback(registry) ? "http" : "https",
                     strcmp(registry, HUB) == 0 ? HUB_SERVER : registry);
}

static int read_all(const json_t *root, const char *dir, const char *registry,
                    struct registry_hosts *out, struct error *err)
{
    const char *url;
    json_t *table;
    const json_t *hosts = json_object_get(root, "host"), *server = json_object_get(root, "server");
    if ((hosts && !json_is_object(hosts)) || (server && !json_is_string(server)))
        return error_set(err, -EINVAL, "expected server = \"URL\" and [host.\"URL\"]");
    json_object_foreach((json_t *) hosts, url, table) {
        if (!json_is_object(table))
            return error_set(err, -EINVAL, "\"%s\" is no table", url);
        int r = read_host(out, url, table, false, dir, err);
        if (r < 0)
            return r;
    }
    AUTO_FREE char *fallback = default_server(registry);
    return read_host(out, server ? json_string_value(server) : fallback, root, true, dir, err);
}

int registry_hosts_parse(const char *text, const char *path, const char *registry,
                         struct registry_hosts *out, struct error *err)
{
    AUTO_REGISTRY_HOSTS hosts = {
        .items = xcalloc(REGISTRY_HOSTS_MAX, sizeof(struct registry_host))};
    AUTO_JSON *root = toml_parse(text, path, err);
    AUTO_FREE char *dir = path_dirname(path);
    if (!root)
        return -EINVAL;
    int r = read_all(root, dir, registry, &hosts, err);
    if (r < 0)
        return error_prefix(err, "%s", path);
    *out = hosts;
    hosts = (struct registry_hosts){0};
    return 0;
}

int registry_hosts_load(const char *dir, const char *registry, struct registry_hosts *out,
                        struct error *err)
{
    const char *const folders[] = {registry, "_default"};
    STRBUF(text, TOML_MAX);
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        AUTO_FREE char *path = xasprintf("%s/%s/hosts.toml", dir, folders[i]);
        int r = file_read(path, &text, err);
        if (r == 0 && strlen(text.data) != text.len)
            return error_set(err, -EINVAL, "%s has a NUL in it", path);
        if (r != -ENOENT)
            return r < 0 ? r : registry_hosts_parse(text.data, path, registry, out, err);
    }
    if (err)
        *err = ERROR_INIT;
    return registry_hosts_parse("", "hosts.toml", registry, out, err);
}
