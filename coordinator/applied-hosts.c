#include "coordinator/applied-hosts.h"

#include "coordinator/applied.h"
#include "coordinator/inventory-keys.h"
#include "lib/grammar.h"
#include "lib/path.h"
#include "lib/state-file.h"

#include <errno.h>
#include <string.h>

void applied_hosts_release(struct applied_hosts *a)
{
    free(a->path);
    json_decref(a->state);
    *a = (struct applied_hosts){0};
}

static json_t *entries(const struct applied_hosts *a)
{
    return json_object_get(a->state, "applied");
}

/* What is used without being asked again must be as strict as hosts.yaml. */
static bool is_entry(const json_t *e)
{
    int64_t port = json_get_int(e, "port", 0), roles = json_get_int(e, "roles", 0);
    int64_t sudo = json_get_int(e, "sudo", -1);
    const char *host_key = json_get_string(e, "host_key", NULL);
    const char *address = json_get_string(e, "address", "");
    return grammar_hostname(json_get_string(e, "node", "")) &&
           (grammar_ip(address) || grammar_hostname(address)) &&
           grammar_user(json_get_string(e, "user", "")) && port > 0 && port <= UINT16_MAX &&
           roles > 0 && roles <= (ROLE_CONTROL_PLANE | ROLE_WORKER) && sudo >= SUDO_AUTO &&
           sudo <= SUDO_PASSWORD && (!host_key || inventory_is_host_key(host_key));
}

static bool is_state(const struct applied_hosts *a, const struct inventory *inv, const char *hosts)
{
    size_t i;
    json_t *e;
    json_array_foreach(entries(a), i, e) {
        if (!is_entry(e))
            return false;
    }
    return json_is_array(entries(a)) &&
           strcmp(json_get_string(a->state, "cluster", ""), inv->cluster_name) == 0 &&
           strcmp(json_get_string(a->state, "hosts", ""), hosts) == 0;
}

int applied_hosts_load(const struct inventory *inv, struct applied_hosts *out, struct error *err)
{
    CLEANUP(applied_hosts_release) struct applied_hosts a = {0};
    AUTO_FREE char *hosts = NULL;
    a.path = applied_path(inv, ".hosts.json", &hosts);
    int r = state_file_read(a.path, &a.state, err);
    if (r == 0)
        a.state = json_pack("{s:s, s:s, s:[]}", "cluster", inv->cluster_name, "hosts", hosts,
                            "applied");
    else if (r == 1 && !is_state(&a, inv, hosts))
        r = error_set(err, -EBADMSG,
                      "%s is damaged: its members are not those of this version and cluster",
                      a.path);
    if (r < 0) {
        (void) error_remedy(err, "it says which hosts were applied here: find out what happened to "
                                 "it, and remove it only when you know");
        return r;
    }
    *out = a;
    a = (struct applied_hosts){0};
    return 0;
}

static bool is_same(const json_t *e, const struct host *h)
{
    bool same_address = strcmp(json_get_string(e, "address", ""), h->address) == 0 &&
                        json_get_int(e, "port", 0) == h->port;
    return same_address || (h->name && strcmp(json_get_string(e, "node", ""), h->name) == 0);
}

static void replace(char **member, const json_t *e, const char *key)
{
    const char *text = json_get_string(e, key, NULL);
    free(*member);
    *member = text ? xstrdup(text) : NULL;
}

/* `defaults` may have changed since: of them only the secrets are taken. */
static void recall(const json_t *e, struct inventory *inv)
{
    struct host h = {0};
    inventory_host_copy(&h, &inv->defaults);
    replace(&h.name, e, "node");
    replace(&h.address, e, "address");
    replace(&h.user, e, "user");
    replace(&h.key, e, "key");
    replace(&h.host_key, e, "host_key");
    replace(&h.node_ip, e, "node_ip");
    h.port = (uint16_t) json_get_int(e, "port", 0);
    h.roles = (unsigned) json_get_int(e, "roles", 0);
    h.sudo = (enum sudo_mode) json_get_int(e, "sudo", SUDO_AUTO);
    h.state = STATE_ABSENT;
    h.remembered = true;
    if (!h.sudo_password && h.password)
        h.sudo_password = xstrdup(h.password);
    inv->hosts = xrealloc(inv->hosts, inv->host_count + 1, sizeof(*inv->hosts));
    inv->hosts[inv->host_count++] = h;
}

void applied_hosts_recall(const struct applied_hosts *a, struct inventory *inv)
{
    size_t i, lines = inv->host_count;
    json_t *e;
    json_array_foreach(entries(a), i, e) {
        bool has_line = false;
        for (size_t k = 0; k < lines && !has_line; k++)
            has_line = is_same(e, &inv->hosts[k]);
        if (!has_line)
            recall(e, inv);
    }
}

void applied_hosts_forget(struct applied_hosts *a, const struct host *h)
{
    for (size_t i = json_array_size(entries(a)); i-- > 0;)
        if (is_same(json_array_get(entries(a), i), h))
            json_array_remove(entries(a), i);
}

/* Where its entry is, or belongs; looked for from `hint` on: the order is mostly that of the lines.
 */
static size_t place_of(const struct applied_hosts *a, const struct host *h, size_t hint)
{
    size_t n = json_array_size(entries(a));
    for (size_t k = 0; k < n; k++)
        if (is_same(json_array_get(entries(a), (hint + k) % n), h))
            return (hint + k) % n;
    return n;
}

void applied_hosts_note(struct applied_hosts *a, const struct host *h, const char *node,
                        size_t hint)
{
    json_t *e = json_pack("{s:s, s:s, s:i, s:s, s:i, s:i}", "node", node, "address", h->address,
                          "port", h->port, "user", h->user, "roles", h->roles, "sudo", h->sudo);
    if (h->key)
        json_object_set_new(e, "key", json_string(h->key));
    if (h->host_key)
        json_object_set_new(e, "host_key", json_string(h->host_key));
    if (h->node_ip)
        json_object_set_new(e, "node_ip", json_string(h->node_ip));
    size_t place = place_of(a, h, hint);
    if (place < json_array_size(entries(a)))
        json_array_set_new(entries(a), place, e);
    else
        json_array_append_new(entries(a), e);
}

int applied_hosts_save(const struct applied_hosts *a, struct error *err)
{
    AUTO_FREE char *dir = path_dirname(a->path);
    int r = path_mkdir_p(dir, 0700, err);
    r = r < 0 ? r : state_file_write(a->path, a->state, err);
    return r < 0 ? r : 0;
}
