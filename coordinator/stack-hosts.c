#include "coordinator/stack-hosts.h"

#include "coordinator/params.h"
#include "coordinator/stack-work.h"
#include "coordinator/storage.h"

#include <string.h>

#define GIB (1024.0 * 1024 * 1024)

static bool is_there(const struct host_run *h)
{
    return h->host->state == STATE_PRESENT && h->facts.json && h->facts.node_name;
}

static json_t *labels_of(const struct host_run *h)
{
    json_t *labels = json_object();
    for (size_t i = 0; i < h->host->label_count; i++)
        json_object_set_new(labels, h->host->labels[i].key, json_string(h->host->labels[i].value));
    storage_labels(h->host, labels);
    return labels;
}

static json_t *taints_of(const struct host_run *h)
{
    json_t *taints = json_array();
    for (size_t i = 0; i < h->host->taint_count; i++) {
        const struct taint *t = &h->host->taints[i];
        json_array_append_new(taints, json_pack("{s:s, s:s, s:s}", "key", t->key, "value", t->value,
                                                "effect", t->effect));
    }
    return taints;
}

static void add_host(const struct host_run *h, struct stack_nodes *out)
{
    bool control_plane = h->host->roles & ROLE_CONTROL_PLANE;
    struct stack_node *n = stack_nodes_add(out, h->facts.node_name);
    n->memory = json_get_int(h->facts.json, "memory_kib", 0) * 1024 - STACK_NODE_MEMORY -
                (control_plane ? STACK_CONTROL_PLANE_MEMORY : 0);
    n->cpu = json_get_int(h->facts.json, "cpus", 0) * 1000 - STACK_NODE_CPU -
             (control_plane ? STACK_CONTROL_PLANE_CPU : 0);
    n->labels = labels_of(h);
    n->taints = taints_of(h);
}

/* Volumes of a class of a fixed name are below /var/lib. */
static int64_t storage_of(const struct host_run *h)
{
    const char *class = storage_default_class(h->run->inv);
    const json_t *disk = json_object_get(json_object_get(h->facts.json, "disks"), "/var/lib");
    if (!disk || !class ||
        (strcmp(class, STORAGE_CLASS_LOCAL_PATH) != 0 && strcmp(class, STORAGE_CLASS_OPENEBS) != 0))
        return INT64_MAX;
    return json_get_int(disk, "free_kib", 0) * 1024;
}

/* Classes that somebody else made are not known: only that there is to be none at all. */
void stack_nodes_from_hosts(const struct run *run, struct stack_nodes *out)
{
    for (size_t i = 0; i < run->inv->host_count; i++)
        if (is_there(&run->hosts[i]) && params_takes_pods(&run->hosts[i]))
            add_host(&run->hosts[i], out);
    out->default_class = storage_default_class(run->inv) != NULL;
}

static bool all_answered(const struct run *run)
{
    for (size_t i = 0; i < run->inv->host_count; i++)
        if (run->hosts[i].host->state == STATE_PRESENT && !run->hosts[i].facts.json)
            return false;
    return true;
}

/* No more than a warning: volumes in folders are as large as what is in them, and those of a stack
 * that runs have taken theirs already. */
static void check_storage(const struct run *run, struct stack_nodes *nodes, struct findings *out)
{
    struct error err = ERROR_INIT;
    size_t n = 0;
    for (size_t i = 0; n < nodes->count && i < run->inv->host_count; i++)
        if (is_there(&run->hosts[i]) && params_takes_pods(&run->hosts[i]))
            nodes->items[n++].storage = storage_of(&run->hosts[i]);
    if (stack_fit(&run->stack->stack, run->stack->rendered, nodes, &err) < 0)
        findings_add(out, false, "name disks for it (hosts[].disks), or lower the `storage` values",
                     "profile %s, when its volumes are full: %s", run->stack->stack.name, err.text);
}

void stack_hosts_check(const struct run *run, struct findings *out)
{
    CLEANUP(stack_nodes_release) struct stack_nodes nodes = STACK_NODES_INIT;
    struct error err = ERROR_INIT;
    if (!run->stack)
        return;
    stack_nodes_from_hosts(run, &nodes);
    if (stack_fit(&run->stack->stack, run->stack->rendered, &nodes, &err) < 0)
        findings_add(out, all_answered(run), err.remedy, "profile %s: %s", run->stack->stack.name,
                     err.text);
    else
        check_storage(run, &nodes, out);
}

static void tell(const char *name, const struct stack_need *n, struct strv *lines)
{
    strv_addf(lines, "%s: %zu pods, %.1f GiB of memory, %.2f CPU, %.1f GiB of volumes", name,
              n->pods, (double) n->memory / GIB, (double) n->cpu / 1000, (double) n->storage / GIB);
}

void stack_hosts_tell(const struct run *run, struct strv *lines)
{
    CLEANUP(stack_nodes_release) struct stack_nodes nodes = STACK_NODES_INIT;
    struct stack_need sum = {0};
    const struct stack *s = &run->stack->stack;
    stack_nodes_from_hosts(run, &nodes);
    for (size_t i = 0; i < s->count; i++) {
        struct stack_need n;
        stack_need_of(run->stack->rendered[i].objects, nodes.count, &n);
        tell(s->components[i].name, &n, lines);
        sum = (struct stack_need){sum.pods + n.pods, sum.memory + n.memory, sum.cpu + n.cpu,
                                  sum.storage + n.storage};
    }
    AUTO_FREE char *name = xasprintf("profile %s, all together", s->name);
    tell(name, &sum, lines);
}
