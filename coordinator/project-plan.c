#include "coordinator/project-plan.h"

#include "coordinator/project-grants.h"
#include "coordinator/project-live.h"
#include "coordinator/project.h"
#include "coordinator/stack-objects.h"
#include "lib/kube.h"

struct planning {
    const struct kubectl *k;
    const struct inventory *inv;
    struct project_live live;
};

/* What goes to a namespace that is still to be made the API server could not be asked about. */
static json_t *askable(const struct planning *a, const json_t *list)
{
    json_t *items = json_array(), *o;
    size_t i;
    json_array_foreach(json_object_get(list, "items"), i, o) {
        const char *space = json_get_string(json_object_get(o, "metadata"), "namespace", NULL);
        if (!space || project_live_space(&a->live, space))
            json_array_append(items, o);
    }
    return items;
}

static int differs(const struct planning *a, const struct project *p, bool *out, struct error *err)
{
    AUTO_JSON *list = project_objects(a->inv, p);
    AUTO_JSON *items = askable(a, list);
    AUTO_JSON *part = kube_list(json_incref(items));
    AUTO_FREE char *text = json_canonical(part);
    AUTO_JSON *surplus = project_surplus(p, list, a->live.objects);
    const struct stack_rendered rendered = {.text = text, .objects = items};
    *out = surplus || json_array_size(items) < json_array_size(json_object_get(list, "items"));
    return *out ? 0 : stack_would_change(a->k, &rendered, out, err);
}

static void tell_new(const struct project *p, struct strv *lines)
{
    strv_addf(lines, "project %s: make it, for %zu owners and %zu scientists", p->name,
              p->owners.count, p->scientists.count);
}

static int plan_one(const struct planning *a, const struct project *p, const struct strv *due,
                    struct strv *lines, struct error *err)
{
    struct error taken = ERROR_INIT;
    AUTO_FREE char *what = strv_join(due, ", ");
    bool changes = false;
    int r;
    if (project_live_check(&a->live, p, &taken) < 0) {
        strv_addf(lines, "project %s: refused: %s", p->name, taken.text);
        return 0;
    }
    if (!project_live_space(&a->live, p->name))
        tell_new(p, lines);
    else if ((r = differs(a, p, &changes, err)) < 0)
        return r;
    if (changes)
        strv_addf(lines, "project %s: set right what differs", p->name);
    if (due->count > 0)
        strv_addf(lines, "project %s: give it what is its own of the stack: %s", p->name, what);
    return 0;
}

static int plan_all(const struct planning *a, struct strv *due, struct strv *lines,
                    struct error *err)
{
    int r = project_grants_due(a->k, a->inv, due, err);
    for (size_t i = 0; r == 0 && i < a->inv->project_count; i++)
        r = plan_one(a, &a->inv->projects[i], &due[i], lines, err);
    return r;
}

int project_plan(const struct kubectl *k, const struct inventory *inv, struct strv *lines,
                 struct error *err)
{
    struct planning a = {.k = k, .inv = inv};
    if (!k) {
        for (size_t i = 0; i < inv->project_count; i++)
            tell_new(&inv->projects[i], lines);
        return 0;
    }
    struct strv *due = xcalloc(inv->project_count + 1, sizeof(*due));
    int r = project_live_get(k, &a.live, err);
    r = r < 0 ? r : plan_all(&a, due, lines, err);
    for (size_t i = 0; i < inv->project_count; i++)
        strv_release(&due[i]);
    free(due);
    project_live_release(&a.live);
    return r;
}
