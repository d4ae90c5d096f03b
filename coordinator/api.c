#include "coordinator/api.h"

#include "coordinator/command.h"
#include "coordinator/dial.h"
#include "kubeadm/balancer.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/yaml.h"

#include <errno.h>
#include <string.h>

#define ANSWER_MS 2000             /* each */
#define ANSWERS_MS (3 * ANSWER_MS) /* all of them */

const char *api_for_nodes(const struct inventory *inv)
{
    return inv->endpoint ? inv->endpoint : BALANCER_ENDPOINT;
}

bool api_is_balanced(const struct inventory *inv)
{
    return !inv->endpoint;
}

static bool is_control_plane(const struct host_run *h)
{
    return h->host->state == STATE_PRESENT && (h->host->roles & ROLE_CONTROL_PLANE);
}

static void add_once(struct strv *v, const char *text)
{
    if (text && !strv_contains(v, text))
        strv_add(v, text);
}

static void add_endpoint(struct strv *v, const char *host)
{
    if (!host)
        return;
    bool bare = strchr(host, ':');
    AUTO_FREE char *text = xasprintf("%s%s%s:%d", bare ? "[" : "", host, bare ? "]" : "",
                                     KUBEADM_API_PORT);
    add_once(v, text);
}

void api_for_users(const struct run *run, struct strv *out)
{
    add_once(out, run->inv->endpoint);
    add_endpoint(out, run->inv->virtual_ip);
    for (size_t i = 0; i < run->inv->host_count; i++) {
        const struct host_run *h = &run->hosts[i];
        if (!is_control_plane(h))
            continue;
        add_endpoint(out, facts_node_ip(&h->facts, h->host));
        add_endpoint(out, h->host->address);
    }
}

void api_cert_names(const struct run *run, struct strv *out)
{
    const struct inventory *inv = run->inv;
    strv_add(out, "127.0.0.1");
    strv_add(out, "localhost");
    add_once(out, inv->virtual_ip);
    if (inv->endpoint) {
        AUTO_FREE char *host = xstrndup(inv->endpoint, strcspn(inv->endpoint, ":"));
        add_once(out, host);
    }
    for (size_t i = 0; i < inv->host_count; i++) {
        const struct host_run *h = &run->hosts[i];
        if (!is_control_plane(h))
            continue;
        add_once(out, facts_node_ip(&h->facts, h->host));
        add_once(out, h->host->address);
        add_once(out, h->facts.node_name ? h->facts.node_name : h->host->name);
    }
}

/* The kubeconfig */

static const struct yaml_node *server_of(const struct yaml_file *file)
{
    const struct yaml_node *root = file->root;
    const struct yaml_node *clusters = root && root->kind == YAML_MAPPING
                                           ? yaml_get(root, "clusters")
                                           : NULL;
    if (!clusters || clusters->kind != YAML_SEQUENCE || clusters->count != 1 ||
        clusters->items[0]->kind != YAML_MAPPING)
        return NULL;
    const struct yaml_node *cluster = yaml_get(clusters->items[0], "cluster");
    const struct yaml_node *server = cluster && cluster->kind == YAML_MAPPING
                                         ? yaml_get(cluster, "server")
                                         : NULL;
    return server && server->kind == YAML_SCALAR && !server->quoted ? server : NULL;
}

static size_t offset_of(const char *text, unsigned line, unsigned column)
{
    const char *at = text;
    for (unsigned i = 1; i < line; i++)
        at = strchr(at, '\n') + 1; /* the parser was there */
    return (size_t) (at - text) + column - 1;
}

int api_point_to(const char *kubeconfig, const char *endpoint, char **out, struct error *err)
{
    CLEANUP(yaml_release) struct yaml_file file = YAML_FILE_INIT;
    struct error unused = ERROR_INIT; /* may quote a secret */
    const struct yaml_node *server = NULL;
    if (yaml_parse(kubeconfig, strlen(kubeconfig), "kubeconfig", &file, &unused) == 0)
        server = server_of(&file);
    if (!server)
        return error_set(err, -EPROTO, "the control plane's kubeconfig is not like kubeadm's");
    size_t at = offset_of(kubeconfig, server->line, server->column);
    *out = xasprintf("%.*shttps://%s%s", (int) at, kubeconfig, endpoint,
                     kubeconfig + at + strlen(server->text));
    return 0;
}

/* Taken apart: add_endpoint's and hosts.yaml's own have a port. */
static bool answers(const char *endpoint, int64_t deadline)
{
    const char *colon = strrchr(endpoint, ':');
    bool bare = endpoint[0] == '[';
    AUTO_FREE char *host = xstrndup(endpoint + bare, (size_t) (colon - endpoint) - 2 * bare);
    AUTO_FD fd = dial_tcp(host, (uint16_t) strtoul(colon + 1, NULL, 10), deadline, &interrupted,
                          NULL);
    return fd >= 0;
}

int api_kubeconfig(const struct run *run, char **out, struct error *err)
{
    STRV(candidates);
    api_for_users(run, &candidates);
    if (candidates.count == 0)
        return error_set(err, -EHOSTUNREACH, "no control plane to name in the kubeconfig");
    int64_t end = clock_monotonic_ms() + ANSWERS_MS;
    const char *chosen = candidates.items[0];
    for (size_t i = 0; i < candidates.count && clock_left_ms(end) > 0; i++) {
        int64_t deadline = clock_monotonic_ms() + ANSWER_MS;
        if (answers(candidates.items[i], deadline < end ? deadline : end)) {
            chosen = candidates.items[i];
            break;
        }
    }
    return api_point_to(run->kubeconfig, chosen, out, err);
}
