#include "coordinator/status-words.h"

#include "lib/strbuf.h"

#include <inttypes.h>
#include <string.h>

/* "serial 3 of bigtop, the next one signed by 1A2B… or 3C4D…" */
static char *bundle_text(const json_t *bundle)
{
    const char *damaged = json_get_string(bundle, "damaged", NULL);
    if (damaged)
        return xasprintf("what it remembers of its bundles is damaged: %s", damaged);
    STRBUF(text, 8192);
    strbuf_addf(&text, "serial %" PRId64 " of %s", json_get_int(bundle, "serial", 0),
                json_get_string(bundle, "product", "?"));
    if (!json_get_string(bundle, "manifest", NULL))
        strbuf_addf(&text, ", not whole any more");
    size_t i;
    json_t *key;
    json_array_foreach(json_object_get(bundle, "keys"), i, key) {
        strbuf_addf(&text, "%s%s", i > 0 ? " or " : ", the next one signed by ",
                    json_string_value(key));
    }
    if (i == 0)
        strbuf_addf(&text, ", unsigned");
    return xstrdup(text.data);
}

static void add_bundle(const json_t *hosts, const char *text, struct strv *lines)
{
    STRV(names);
    size_t i;
    json_t *host;
    json_array_foreach(hosts, i, host) {
        AUTO_FREE char *own = bundle_text(json_object_get(host, "bundle"));
        if (json_is_object(json_object_get(host, "bundle")) && strcmp(own, text) == 0)
            strv_add(&names, json_get_string(host, "host", "?"));
    }
    AUTO_FREE char *list = strv_join(&names, ", ");
    bool are_all = names.count == json_array_size(hosts);
    strv_addf(lines, "bundle: %s (%s)", text, are_all ? "all hosts" : list);
}

void status_words_bundles(const json_t *hosts, struct strv *lines)
{
    STRV(told);
    size_t i;
    json_t *host;
    json_array_foreach(hosts, i, host) {
        const json_t *bundle = json_object_get(host, "bundle");
        if (!json_is_object(bundle))
            continue;
        AUTO_FREE char *text = bundle_text(bundle);
        if (strv_contains(&told, text))
            continue;
        strv_add(&told, text);
        add_bundle(hosts, text, lines);
    }
}

/* "etcd: n1 votes, leads; n2 votes; n3 is a learner; n4 does not answer" */
void status_words_etcd(const json_t *members, struct strv *lines)
{
    STRBUF(line, 4096);
    size_t i;
    json_t *m;
    json_array_foreach(members, i, m) {
        const char *name = json_get_string(m, "name", "");
        const char *state = !json_get_bool(m, "started", false)  ? "has not started"
                            : json_get_bool(m, "learner", false) ? "is a learner"
                            : json_get_bool(m, "healthy", false) ? "votes"
                                                                 : "does not answer";
        strbuf_addf(&line, "%s %s %s%s", i > 0 ? ";" : "etcd:", *name ? name : "a member", state,
                    json_get_bool(m, "leader", false) ? ", leads" : "");
    }
    if (line.len > 0)
        strv_add(lines, line.data);
}

/* A host that did not answer is known by its name or address alone. */
static bool has_node(const json_t *hosts, const json_t *node)
{
    const char *name = json_get_string(node, "name", "?");
    size_t i;
    json_t *host;
    json_array_foreach(hosts, i, host) {
        const char *label = json_get_string(host, "host", "");
        if (strcmp(json_get_string(host, "node", label), name) == 0 ||
            json_has_text(json_object_get(node, "addresses"), label))
            return true;
    }
    return false;
}

void status_words_strangers(const json_t *nodes, const json_t *hosts, struct strv *lines)
{
    size_t i;
    json_t *node;
    json_array_foreach(nodes, i, node) {
        if (!has_node(hosts, node))
            strv_addf(lines, "node %s (%s) is in the cluster, but no host of hosts.yaml",
                      json_get_string(node, "name", "?"),
                      json_get_bool(node, "ready", false) ? "Ready" : "NotReady");
    }
}
