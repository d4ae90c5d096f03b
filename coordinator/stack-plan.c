#include "coordinator/stack-plan.h"

#include "coordinator/stack-objects.h"
#include "coordinator/stack-owned.h"
#include "lib/kube.h"

static void plan_start(const struct stack_component *c, struct strv *lines)
{
    strv_addf(lines, "%s: is started", c->name);
}

static void plan_surplus(const struct stack_work *w, const char *name, const json_t *owned,
                         struct strv *lines)
{
    AUTO_JSON *surplus = stack_surplus(&w->stack, w->rendered, owned, name);
    size_t i;
    json_t *o;
    json_array_foreach(surplus, i, o)
        strv_addf(lines, "%s: %s %s, which it no longer has, is removed", name,
                  json_get_string(o, "kind", ""), kube_name(o));
}

static int plan_component(const struct stack_work *w, size_t i, const json_t *owned,
                          struct strv *lines, struct error *err)
{
    const struct stack_component *c = &w->stack.components[i];
    bool changed = false;
    if (!json_object_get(owned, c->name)) {
        plan_start(c, lines);
        return 0;
    }
    int r = stack_would_change(&w->kubectl, &w->rendered[i], &changed, err);
    if (r < 0)
        return error_prefix(err, "component %s", c->name);
    if (changed)
        strv_addf(lines, "%s: differs from what the cluster has", c->name);
    plan_surplus(w, c->name, owned, lines);
    return 0;
}

int stack_plan(const struct stack_work *w, struct strv *lines, struct strv *gone, struct error *err)
{
    AUTO_JSON *owned = NULL;
    int r = stack_owned_load(&w->kubectl, &owned, err);
    for (size_t i = 0; r == 0 && i < w->stack.count; i++)
        r = plan_component(w, i, owned, lines, err);
    if (r == 0)
        stack_find_gone(&w->stack, owned, gone);
    return r;
}

void stack_plan_new(const struct stack_work *w, struct strv *lines)
{
    for (size_t i = 0; i < w->stack.count; i++)
        plan_start(&w->stack.components[i], lines);
}
