#include "coordinator/project-apply.h"

#include "coordinator/command.h"
#include "coordinator/project-grants.h"
#include "coordinator/project-live.h"
#include "coordinator/project.h"
#include "coordinator/stack-objects.h"
#include "coordinator/stack-profile.h"
#include "lib/clock.h"
#include "lib/kube.h"

#include <errno.h>
#include <string.h>

#define REMOVE_TIMEOUT_MS (5 * 60 * 1000)
#define WORK_KINDS \
    "cronjobs,jobs,deployments,statefulsets,daemonsets,replicasets,replicationcontrollers,pods," \
    "services,ingresses,horizontalpodautoscalers,poddisruptionbudgets"

struct view *project_view(enum view_mode mode, const struct inventory *inv)
{
    STRV(names);
    for (size_t i = 0; i < inv->project_count; i++)
        strv_add(&names, inv->projects[i].name);
    return view_open_rows(mode, "project", &names);
}

/* What somebody who edited hosts.yaml took out of it. */
static int delete_surplus(const struct kubectl *k, const json_t *list, const json_t *there,
                          const struct project *p, bool *changed, struct error *err)
{
    static const char *const delete[] = {"delete", "--ignore-not-found", "-f", "-", NULL};
    AUTO_JSON *surplus = project_surplus(p, list, there);
    AUTO_FREE char *text = surplus ? json_canonical(surplus) : NULL;
    *changed = *changed || text;
    return text ? kubectl_run(k, delete, text, KUBECTL_TIMEOUT_MS, NULL, err) : 0;
}

static int apply_items(const struct kubectl *k, const json_t *list, bool *changed,
                       struct error *err)
{
    AUTO_FREE char *text = json_canonical(list);
    const struct stack_rendered objects = {.text = text, .objects = json_object_get(list, "items")};
    return stack_apply_objects(k, &objects, changed, err);
}

struct applying {
    const struct kubectl *k;
    const struct inventory *inv;
    struct view *v;
    struct project_live live; /* before anything is changed */
    bool *changed;
};

/* All namespaces come first: policies of one project may be in another's. */
static int make_namespace(const struct applying *a, size_t i, struct error *err)
{
    const struct project *p = &a->inv->projects[i];
    AUTO_JSON *list = project_objects(a->inv, p);
    json_t *items = json_object_get(list, "items");
    while (json_array_size(items) > 1)
        json_array_remove(items, json_array_size(items) - 1);
    int r = project_live_space(&a->live, p->name) ? 0
                                                  : apply_items(a->k, list, &a->changed[i], err);
    return r < 0 || !project_enters_stack(p) ? r : stack_make_namespace(a->k, &a->changed[i], err);
}

static int apply_one(const struct applying *a, size_t i, struct error *err)
{
    const struct project *p = &a->inv->projects[i];
    AUTO_JSON *list = project_objects(a->inv, p);
    int r = apply_items(a->k, list, &a->changed[i], err);
    return r < 0 ? r : delete_surplus(a->k, list, a->live.objects, p, &a->changed[i], err);
}

static void tell_gone(const struct applying *a)
{
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(a->live.spaces, "items"), i, o) {
        const char *name = kube_name(o);
        if (strcmp(project_owner_of(o), name) == 0 && !project_find(a->inv, name))
            view_note(a->v, NULL,
                      "project %s is not in hosts.yaml and is left alone; to end it: "
                      "bigtop-bootstrap project remove %s",
                      name, name);
    }
}

static int fail(const struct applying *a, size_t i, const char *step, const struct error *err)
{
    view_host(a->v, i, VIEW_FAILED, step, err->text, 0, 0);
    view_row_error(a->v, i, step, err);
    if (err->code == -ECANCELED)
        return EXIT_INTERRUPTED;
    return err->code == -EEXIST ? EXIT_REFUSED : EXIT_HOST_FAILED;
}

static int look(struct applying *a)
{
    struct error err = ERROR_INIT;
    if (project_live_get(a->k, &a->live, &err) == 0)
        return EXIT_DONE;
    if (err.code == -ECANCELED)
        return EXIT_INTERRUPTED;
    view_error(a->v, NULL, "look", &err);
    return EXIT_HOST_FAILED;
}

static int check_all(const struct applying *a)
{
    int code = EXIT_DONE;
    for (size_t i = 0; i < a->inv->project_count; i++) {
        struct error err = ERROR_INIT;
        if (project_live_check(&a->live, &a->inv->projects[i], &err) < 0)
            code = fail(a, i, "check", &err);
    }
    return code;
}

static int make_all(const struct applying *a)
{
    for (size_t i = 0; i < a->inv->project_count; i++) {
        struct error err = ERROR_INIT;
        view_host(a->v, i, VIEW_WORKING, "apply", "", 0, 0);
        if (make_namespace(a, i, &err) < 0)
            return fail(a, i, "namespace", &err);
    }
    for (size_t i = 0; i < a->inv->project_count; i++) {
        struct error err = ERROR_INIT;
        if (apply_one(a, i, &err) < 0)
            return fail(a, i, "apply", &err);
    }
    return EXIT_DONE;
}

static void show_done(const struct applying *a)
{
    for (size_t i = 0; i < a->inv->project_count; i++)
        view_host(a->v, i, VIEW_DONE, "ready", a->changed[i] ? "" : "nothing to change", 0, 0);
}

static void summarize(const struct applying *a, int code, int64_t began_ms)
{
    double seconds = (double) (clock_monotonic_ms() - began_ms) / 1000.0;
    size_t changed = 0, count = a->inv->project_count;
    for (size_t i = 0; i < count; i++)
        changed += a->changed[i];
    if (code == EXIT_INTERRUPTED)
        view_summary(a->v, "interrupted; run the same command again to go on");
    else if (code == EXIT_REFUSED)
        view_summary(a->v, "refused; no project was changed");
    else if (code != EXIT_DONE)
        view_summary(a->v, "failed; run the same command again once that is mended");
    else if (changed == 0)
        view_summary(a->v, "nothing to change (%zu projects, %.1f s)", count, seconds);
    else
        view_summary(a->v, "projects are ready: %zu of %zu changed, %.1f s", changed, count,
                     seconds);
}

int project_apply_all(const struct kubectl *k, const struct inventory *inv, struct view *v,
                      bool again)
{
    AUTO_FREE bool *changed = xcalloc(inv->project_count + 1, sizeof(*changed));
    struct applying a = {.k = k, .inv = inv, .v = v, .changed = changed};
    const struct project_granting g = {
        .k = k, .inv = inv, .v = v, .again = again, .changed = changed};
    int64_t began_ms = clock_monotonic_ms();
    int code = look(&a);
    code = code == EXIT_DONE ? check_all(&a) : code;
    code = code == EXIT_DONE ? make_all(&a) : code;
    code = code == EXIT_DONE ? project_grant_all(&g) : code;
    if (code == EXIT_DONE) {
        show_done(&a);
        tell_gone(&a);
    }
    summarize(&a, code, began_ms);
    project_live_release(&a.live);
    return code;
}

/* Removing */

static int need_project(const struct kubectl *k, const char *name, struct error *err)
{
    AUTO_JSON *space = NULL;
    int r = kubectl_find(k, "namespace", name, NULL, &space, err);
    if (r < 0)
        return r;
    if (!space)
        return error_set(err, -ENOENT, "the cluster has no project %s", name);
    if (strcmp(project_owner_of(space), name) != 0)
        return error_set(err, -EPERM, "namespace %s is no project's; it is left alone", name);
    return 0;
}

static int delete_all(const struct kubectl *k, const char *kinds, const char *space,
                      struct error *err)
{
    const char *const args[] = {"delete", kinds, "-n", space, "--all", "--ignore-not-found",
                                "--wait", NULL};
    return kubectl_run(k, args, NULL, REMOVE_TIMEOUT_MS, NULL, err);
}

/* What let it in elsewhere. */
static int delete_elsewhere(const struct kubectl *k, const char *name, struct error *err)
{
    AUTO_FREE char *label = xasprintf(PROJECT_LABEL "=%s", name);
    AUTO_FREE char *field = xasprintf("metadata.namespace!=%s", name);
    const char *const args[] = {
        "delete", "networkpolicies", "--all-namespaces", "-l", label, "--field-selector", field,
        NULL};
    return kubectl_run(k, args, NULL, REMOVE_TIMEOUT_MS, NULL, err);
}

static int count_claims(const struct kubectl *k, const char *name, size_t *out, struct error *err)
{
    const char *const args[] = {"get", "persistentvolumeclaims", "-n", name, NULL};
    AUTO_JSON *list = NULL;
    int r = kubectl_json(k, args, NULL, &list, err);
    if (r == 0)
        *out = json_array_size(json_object_get(list, "items"));
    return r;
}

int project_remove(const struct kubectl *k, const char *name, bool delete_data, size_t *claims,
                   struct error *err)
{
    const char *const delete_space[] = {"delete", "namespace", name, "--wait", NULL};
    int r;
    *claims = 0;
    /* Users first, and bindings that owners made as well: nobody starts anything meanwhile. */
    if ((r = need_project(k, name, err)) < 0 ||
        (r = delete_all(k, "rolebindings", name, err)) < 0 ||
        (r = delete_elsewhere(k, name, err)) < 0)
        return r;
    if ((r = delete_all(k, WORK_KINDS, name, err)) < 0 ||
        (r = project_take_back(k, name, delete_data, err)) < 0)
        return r;
    if (delete_data)
        return kubectl_run(k, delete_space, NULL, REMOVE_TIMEOUT_MS, NULL, err);
    return count_claims(k, name, claims, err);
}
