#include "coordinator/project.h"

#include "coordinator/project-grant.h"
#include "coordinator/project-rules.h"
#include "coordinator/stack-needs.h"
#include "coordinator/stack-objects.h"
#include "coordinator/stack-profile.h"
#include "lib/kube.h"

#include <string.h>

/* What a container gets that says nothing: else it would not start under a quota of these. */
#define CPU_REQUEST "100m"
#define MEMORY_REQUEST "128Mi"
#define MEMORY_LIMIT "512Mi"

#define RBAC "rbac.authorization.k8s.io"
#define NETWORKING "networking.k8s.io/v1"

/* space NULL: an object of the whole cluster. */
static json_t *object(const char *version, const char *kind, const struct project *p,
                      const char *space, const char *name)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s*, s:{s:s, s:s}}}", "apiVersion", version, "kind", kind,
                     "metadata", "name", name, "namespace", space, "labels",
                     "app.kubernetes.io/managed-by", STACK_MANAGER, PROJECT_LABEL, p->name);
}

/* Baseline: a pod that mounts the host's disks or is privileged would be in every other project. */
static json_t *namespace_of(const struct project *p)
{
    json_t *space = object("v1", "Namespace", p, NULL, p->name);
    json_t *labels = json_object_get(json_object_get(space, "metadata"), "labels");
    json_object_set_new(labels, "pod-security.kubernetes.io/enforce", json_string("baseline"));
    return space;
}

/* Roles */

static const char *role_name(enum project_role role)
{
    return role == PROJECT_OWNER ? "project-owner" : "project-scientist";
}

/* To users, not to a group of their certificates: who leaves hosts.yaml loses it at once. */
static json_t *binding(const struct project *p, enum project_role role)
{
    const struct strv *users = role == PROJECT_OWNER ? &p->owners : &p->scientists;
    json_t *o = object(RBAC "/v1", "RoleBinding", p, p->name, role_name(role));
    json_t *subjects = json_array();
    for (size_t i = 0; i < users->count; i++)
        json_array_append_new(subjects, json_pack("{s:s, s:s, s:s}", "apiGroup", RBAC, "kind",
                                                  "User", "name", users->items[i]));
    json_object_set_new(o, "subjects", subjects);
    json_object_set_new(
        o, "roleRef",
        json_pack("{s:s, s:s, s:s}", "apiGroup", RBAC, "kind", "Role", "name", role_name(role)));
    return o;
}

static void add_roles(json_t *items, const struct project *p)
{
    static const enum project_role roles[] = {PROJECT_OWNER, PROJECT_SCIENTIST};
    for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
        json_t *role = object(RBAC "/v1", "Role", p, p->name, role_name(roles[i]));
        json_object_set_new(role, "rules", project_rules(roles[i]));
        json_array_append_new(items, role);
        json_array_append_new(items, binding(p, roles[i]));
    }
}

/* Limits */

static void set_limit(json_t *hard, const char *name, const char *value)
{
    if (value)
        json_object_set_new(hard, name, json_string(value));
}

/* Ports of the hosts, and addresses of balancers, are of the whole cluster. */
static json_t *quota_of(const struct project *p)
{
    json_t *quota = object("v1", "ResourceQuota", p, p->name, PROJECT_QUOTA);
    json_t *hard = json_pack("{s:s, s:s}", "services.nodeports", "0", "services.loadbalancers",
                             "0");
    set_limit(hard, "requests.cpu", p->cpu);
    set_limit(hard, "requests.memory", p->memory);
    set_limit(hard, "limits.memory", p->memory);
    set_limit(hard, "requests.storage", p->storage);
    set_limit(hard, "pods", p->pods);
    json_object_set_new(quota, "spec", json_pack("{s:o}", "hard", hard));
    return quota;
}

/* With these priorities a pod would drive out other projects'. */
static json_t *priority_quota(const struct project *p)
{
    json_t *quota = object("v1", "ResourceQuota", p, p->name, "project-priority");
    json_object_set_new(quota, "spec",
                        json_pack("{s:{s:s}, s:{s:[{s:s, s:s, s:[s, s]}]}}", "hard", "pods", "0",
                                  "scopeSelector", "matchExpressions", "scopeName", "PriorityClass",
                                  "operator", "In", "values", "system-cluster-critical",
                                  "system-node-critical"));
    return quota;
}

/* The smaller one, so that one container fits where the quota is tiny. */
static const char *at_most(const char *value, const char *limit)
{
    AUTO_JSON *a = json_string(value);
    AUTO_JSON *b = limit ? json_string(limit) : NULL;
    return b && stack_quantity_milli(b) < stack_quantity_milli(a) ? limit : value;
}

static json_t *limits_of(const struct project *p)
{
    json_t *range = object("v1", "LimitRange", p, p->name, "project");
    json_object_set_new(range, "spec",
                        json_pack("{s:[{s:s, s:{s:s, s:s}, s:{s:s}}]}", "limits", "type",
                                  "Container", "defaultRequest", "cpu",
                                  at_most(CPU_REQUEST, p->cpu), "memory",
                                  at_most(MEMORY_REQUEST, p->memory), "default", "memory",
                                  at_most(MEMORY_LIMIT, p->memory)));
    return range;
}

/* Policies */

static json_t *policy(const struct project *p, const char *space, const char *name, json_t *spec)
{
    json_t *o = object(NETWORKING, "NetworkPolicy", p, space, name);
    json_object_set_new(o, "spec", spec);
    return o;
}

static json_t *in_namespace(const char *space)
{
    return json_pack("{s:{s:s}}", "matchLabels", "kubernetes.io/metadata.name", space);
}

static json_t *of_app(const char *app)
{
    return app[0] ? json_pack("{s:{s:s}}", "matchLabels", "app.kubernetes.io/name", app)
                  : json_object();
}

static json_t *ports_of(const struct reach *to)
{
    return to->port ? json_pack("[{s:i, s:s}, {s:i, s:s}]", "port", to->port, "protocol", "TCP",
                                "port", to->port, "protocol", "UDP")
                    : json_array(); /* as if it were not there: all */
}

static json_t *deny(const struct project *p)
{
    return policy(p, p->name, "project-deny",
                  json_pack("{s:{}, s:[ss]}", "podSelector", "policyTypes", "Ingress", "Egress"));
}

static json_t *inside(const struct project *p)
{
    return policy(p, p->name, "project-inside",
                  json_pack("{s:{}, s:[ss], s:[{s:[{s:{}}]}], s:[{s:[{s:{}}]}]}", "podSelector",
                            "policyTypes", "Ingress", "Egress", "ingress", "from", "podSelector",
                            "egress", "to", "podSelector"));
}

static json_t *dns(const struct project *p)
{
    json_t *to = json_pack("{s:o, s:{s:{s:s}}}", "namespaceSelector", in_namespace("kube-system"),
                           "podSelector", "matchLabels", "k8s-app", "kube-dns");
    return policy(p, p->name, "project-dns",
                  json_pack("{s:{}, s:[s], s:[{s:[o], s:[{s:i, s:s}, {s:i, s:s}]}]}", "podSelector",
                            "policyTypes", "Egress", "egress", "to", to, "ports", "port", 53,
                            "protocol", "UDP", "port", 53, "protocol", "TCP"));
}

/* Its bucket and its topics. There the components let in all projects. */
static json_t *stack(const struct project *p)
{
    json_t *rules = json_array();
    for (size_t i = 0; project_grants[i]; i++) {
        const struct project_grant *g = project_grants[i];
        json_array_append_new(rules, json_pack("{s:[{s:o, s:o}], s:[{s:i, s:s}]}", "to",
                                               "namespaceSelector", in_namespace(STACK_NAMESPACE),
                                               "podSelector", of_app(g->component), "ports", "port",
                                               g->port, "protocol", "TCP"));
    }
    return policy(
        p, p->name, "project-stack",
        json_pack("{s:{}, s:[s], s:o}", "podSelector", "policyTypes", "Egress", "egress", rules));
}

static json_t *out_to(const struct project *p)
{
    json_t *rules = json_array();
    for (size_t i = 0; i < p->reach.count; i++) {
        struct reach to;
        if (!inventory_reach_parse(p->reach.items[i], &to))
            continue;
        json_t *peer = json_pack("{s:o, s:o}", "namespaceSelector", in_namespace(to.space),
                                 "podSelector", of_app(to.app));
        json_array_append_new(rules, json_pack("{s:[o], s:o}", "to", peer, "ports", ports_of(&to)));
    }
    return policy(
        p, p->name, "project-reach",
        json_pack("{s:{}, s:[s], s:o}", "podSelector", "policyTypes", "Egress", "egress", rules));
}

const struct project *project_find(const struct inventory *inv, const char *name)
{
    for (size_t i = 0; i < inv->project_count; i++)
        if (strcmp(inv->projects[i].name, name) == 0)
            return &inv->projects[i];
    return NULL;
}

/* Where nothing is let in but by policies. In another namespace one of ours would shut out the
 * rest. */
static bool is_closed(const struct inventory *inv, const char *space)
{
    return strcmp(space, STACK_NAMESPACE) == 0 || project_find(inv, space);
}

/* Names with dots: those of projects and components have none, so no two are the same. */
static json_t *let_in(const struct project *p, const struct reach *to)
{
    STRBUF(name, 253);
    strbuf_addf(&name, "project.%s%s%s", p->name, to->app[0] ? "." : "", to->app);
    if (to->port)
        strbuf_addf(&name, ".%u", to->port);
    json_t *rule = json_pack("{s:[{s:o}], s:o}", "from", "namespaceSelector", in_namespace(p->name),
                             "ports", ports_of(to));
    return policy(p, to->space, name.data,
                  json_pack("{s:o, s:[s], s:[o]}", "podSelector", of_app(to->app), "policyTypes",
                            "Ingress", "ingress", rule));
}

static void add_policies(json_t *items, const struct inventory *inv, const struct project *p)
{
    json_array_append_new(items, deny(p));
    json_array_append_new(items, inside(p));
    json_array_append_new(items, dns(p));
    json_array_append_new(items, stack(p));
    if (p->reach.count > 0)
        json_array_append_new(items, out_to(p));
    for (size_t i = 0; i < p->reach.count; i++) {
        struct reach to;
        if (inventory_reach_parse(p->reach.items[i], &to) && is_closed(inv, to.space))
            json_array_append_new(items, let_in(p, &to));
    }
}

bool project_enters_stack(const struct project *p)
{
    for (size_t i = 0; i < p->reach.count; i++) {
        struct reach to;
        if (inventory_reach_parse(p->reach.items[i], &to) && strcmp(to.space, STACK_NAMESPACE) == 0)
            return true;
    }
    return false;
}

json_t *project_objects(const struct inventory *inv, const struct project *p)
{
    json_t *items = json_array();
    json_array_append_new(items, namespace_of(p));
    json_array_append_new(items, quota_of(p));
    json_array_append_new(items, priority_quota(p));
    json_array_append_new(items, limits_of(p));
    add_policies(items, inv, p);
    add_roles(items, p); /* last: who comes in finds all of the above */
    return kube_list(items);
}

enum project_role project_role_of(const struct project *p, const char *user)
{
    if (strv_contains(&p->owners, user))
        return PROJECT_OWNER;
    return strv_contains(&p->scientists, user) ? PROJECT_SCIENTIST : PROJECT_STRANGER;
}

/* What is there and should not be */

static bool same_text(const json_t *a, const json_t *b, const char *key)
{
    return strcmp(json_get_string(a, key, ""), json_get_string(b, key, "")) == 0;
}

static bool has_object(const json_t *list, const json_t *o)
{
    const json_t *metadata = json_object_get(o, "metadata");
    size_t i;
    json_t *other;
    json_array_foreach(json_object_get(list, "items"), i, other) {
        const json_t *others = json_object_get(other, "metadata");
        if (same_text(o, other, "kind") && same_text(metadata, others, "name") &&
            same_text(metadata, others, "namespace"))
            return true;
    }
    return false;
}

json_t *project_surplus(const struct project *p, const json_t *rendered, const json_t *there)
{
    AUTO_JSON *items = json_array();
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(there, "items"), i, o) {
        const json_t *metadata = json_object_get(o, "metadata");
        const char *of = json_get_string(kube_labels(o), PROJECT_LABEL, "");
        if (strcmp(of, p->name) != 0 || has_object(rendered, o))
            continue;
        json_array_append_new(items, json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion",
                                               json_get_string(o, "apiVersion", ""), "kind",
                                               json_get_string(o, "kind", ""), "metadata", "name",
                                               json_get_string(metadata, "name", ""), "namespace",
                                               json_get_string(metadata, "namespace", "")));
    }
    return json_array_size(items) == 0 ? NULL : kube_list(json_incref(items));
}
