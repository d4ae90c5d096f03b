#include "coordinator/stack-remove.h"

#include "coordinator/command.h"
#include "coordinator/stack-objects.h"
#include "coordinator/stack-owned.h"
#include "coordinator/stack-reference.h"

#include <errno.h>
#include <string.h>

#define REMOVE_TIMEOUT_MS (5 * 60 * 1000)

/* Depth first: what it comes after is put before it, then all is turned around. */
static void visit(const struct stack *s, size_t i, bool *seen, size_t *order, size_t *left)
{
    if (seen[i])
        return;
    seen[i] = true;
    for (size_t k = 0; k < s->components[i].after_count; k++)
        visit(s, s->components[i].after[k], seen, order, left);
    order[--*left] = i;
}

size_t *stack_reverse_order(const struct stack *s)
{
    size_t *order = xcalloc(s->count + 1, sizeof(*order)), left = s->count;
    AUTO_FREE bool *seen = xcalloc(s->count + 1, sizeof(*seen));
    for (size_t i = 0; i < s->count; i++)
        visit(s, i, seen, order, &left);
    return order;
}

/* Which */

static int check_known(const struct stack *s, const json_t *owned, const struct strv *names,
                       struct error *err)
{
    for (size_t i = 0; i < names->count; i++)
        if (!stack_find(s, names->items[i]) && !json_object_get(owned, names->items[i]))
            return error_set(err, -ENOENT, "neither profile %s nor the cluster has a component %s",
                             s->name, names->items[i]);
    return 0;
}

static int check_needed(const struct stack *s, const json_t *owned, const struct strv *names,
                        struct error *err)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct stack_component *c = &s->components[i];
        for (size_t k = 0; k < c->after_count; k++) {
            const char *before = s->components[c->after[k]].name;
            if (!strv_contains(names, before) || strv_contains(names, c->name) ||
                !json_object_get(owned, c->name))
                continue;
            error_set(err, -EBUSY, "%s needs %s", c->name, before);
            return error_remedy(err, "name both: stack remove %s %s", before, c->name);
        }
    }
    return 0;
}

int stack_removal_order(const struct stack *s, const json_t *owned, const struct strv *names,
                        struct strv *out, struct error *err)
{
    AUTO_FREE size_t *order = stack_reverse_order(s);
    int r;
    if ((r = check_known(s, owned, names, err)) < 0 ||
        (names->count && (r = check_needed(s, owned, names, err)) < 0))
        return r;
    for (size_t i = 0; i < names->count; i++)
        if (!stack_find(s, names->items[i]) && !strv_contains(out, names->items[i]))
            strv_add(out, names->items[i]);
    for (size_t i = 0; i < s->count; i++) {
        const char *name = s->components[order[i]].name;
        if (names->count == 0 || strv_contains(names, name))
            strv_add(out, name);
    }
    return 0;
}

int stack_removal_choose(const struct stack_work *w, const struct strv *names, struct strv *out,
                         struct error *err)
{
    AUTO_JSON *owned = NULL;
    int r = stack_owned_load(&w->kubectl, &owned, err);
    return r < 0 ? r : stack_removal_order(&w->stack, owned, names, out, err);
}

/* One component */

static int remove_objects(const struct stack_work *w, const char *name, json_t *owned,
                          bool delete_data, bool *data_stays, struct error *err)
{
    const struct kubectl *k = &w->kubectl;
    AUTO_JSON *all = stack_owned_all(w, name, owned);
    AUTO_JSON *rest = json_array();
    AUTO_JSON *data = json_array();
    STRV(removed);
    size_t i;
    json_t *o;
    json_array_foreach(all, i, o)
        json_array_append(stack_holds_data(o) ? data : rest, o);
    int r = stack_owned_delete(k, rest, REMOVE_TIMEOUT_MS, &removed, data, err);
    if (r == 0 && delete_data) {
        r = stack_delete_objects(k, data, REMOVE_TIMEOUT_MS, err);
        json_array_clear(data);
    }
    *data_stays = json_array_size(data) > 0;
    return r < 0 ? r : stack_owned_set(k, name, data, owned, err);
}

static int remove_one(const struct stack_work *w, const char *name, size_t row, json_t *owned,
                      bool delete_data, struct view *v)
{
    struct error err = ERROR_INIT;
    bool data_stays = false;
    view_host(v, row, VIEW_WORKING, "remove", "", 0, 0);
    int r = remove_objects(w, name, owned, delete_data, &data_stays, &err);
    if (r < 0) {
        view_host(v, row, VIEW_FAILED, "remove", err.text, 0, 0);
        view_row_error(v, row, "remove", &err);
        return r;
    }
    view_host(v, row, VIEW_DONE, "removed", data_stays ? "its data stays" : "", 0, 0);
    return 0;
}

static int conclude(const struct strv *order, bool delete_data, int r, struct view *v)
{
    AUTO_FREE char *names = strv_join(order, ", ");
    if (r < 0)
        view_summary(v, "%s; run the same command again to go on",
                     r == -ECANCELED ? "interrupted" : "failed");
    else
        view_summary(v, "removed: %s%s", names,
                     delete_data ? ", with all of its data"
                                 : "; its data stays (--delete-data removes it)");
    return r == -ECANCELED ? EXIT_INTERRUPTED : r < 0 ? EXIT_HOST_FAILED : EXIT_DONE;
}

int stack_remove(const struct stack_work *w, const struct strv *order, bool delete_data,
                 struct view *v)
{
    AUTO_JSON *owned = NULL;
    struct error err = ERROR_INIT;
    int r = stack_owned_load(&w->kubectl, &owned, &err);
    if (r < 0)
        view_error(v, NULL, "look", &err);
    for (size_t i = 0; r == 0 && i < order->count; i++)
        r = remove_one(w, order->items[i], i, owned, delete_data, v);
    return conclude(order, delete_data, r, v);
}
