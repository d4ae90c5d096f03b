/* What the pods' network asks of each host, and that a cluster keeps the one that it has. */
#include "coordinator/addons.h"
#include "coordinator/preflight.h"

#include <string.h>

/* Projectcalico's system requirements, of what agent/facts-kernel.c knows. */
static const char *const canal_modules[] = {
    "nf_conntrack", "ip_set",     "xt_set",       "xt_mark",
    "xt_multiport", "xt_comment", "xt_conntrack", "xt_addrtype",
};

#define REMEDY_KEEP \
    "set `%s: %s` in hosts.yaml, or `bigtop-bootstrap reset` all hosts and begin anew: pods keep " \
    "their network from the start to the end"

/* Pods of the two would not reach each other, and rules of the one outlive it. */
static void keep(const struct facts *own, const char *key, const char *wanted, struct findings *out)
{
    const char *has = facts_string(own, "node", key, NULL);
    if (!has || strcmp(has, wanted) == 0)
        return;
    AUTO_FREE char *remedy = xasprintf(REMEDY_KEEP, key, has);
    findings_add(
        out, true, remedy,
        "the cluster's %s is %s, hosts.yaml says %s: that cannot be changed while it lives", key,
        has, wanted);
}

static void check_modules(const struct facts *own, struct findings *out)
{
    const json_t *modules = json_object_get(own->json, "modules");
    for (size_t i = 0; i < ARRAY_SIZE(canal_modules); i++)
        if (strcmp(json_get_string(modules, canal_modules[i], ""), "missing") == 0)
            findings_add(out, true,
                         "install the distribution's full kernel package (not a -cloud or -minimal "
                         "one), or set `network: flannel`",
                         "canal's policies need %s, which the kernel has neither built in nor as a "
                         "module",
                         canal_modules[i]);
}

void preflight_network(const struct inventory *inv, const char *network, const struct facts *own,
                       struct findings *out)
{
    if (addons_is_network(facts_string(own, "node", "network", "")))
        keep(own, "network", network, out);
    keep(own, "pod_cidr", inv->pod_cidr, out);
    if (!own->role && strcmp(network, NETWORK_CANAL) == 0)
        check_modules(own, out);
}
