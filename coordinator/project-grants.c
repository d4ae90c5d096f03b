#include "coordinator/project-grants.h"

#include "coordinator/command.h"
#include "coordinator/project-grant.h"
#include "coordinator/stack-job.h"
#include "coordinator/stack-objects.h"
#include "coordinator/stack-profile.h"
#include "lib/clock.h"
#include "lib/kube.h"
#include "lib/secret.h"

#include <errno.h>
#include <string.h>

#define AT_ONCE 50        /* projects in one order */
#define START_SECONDS 120 /* that a Job may take before its first project */
#define LINE_MAX_LEN 4096

/* What the cluster has of the component, and of the projects' Secrets. */
struct source {
    const struct project_grant *g;
    const json_t *template; /* NULL: it has no such component */
    bool ready;
    char *where;
};

static void source_release(struct source *s)
{
    free(s->where);
}

static const json_t *find(const json_t *list, const char *kind, const char *name, const char *space)
{
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(list, "items"), i, o)
        if (kube_is_kind(o, kind) && strcmp(kube_name(o), name) == 0 &&
            strcmp(stack_namespace_of(o, ""), space) == 0)
            return o;
    return NULL;
}

static int get_stack(const struct kubectl *k, json_t **out, struct error *err)
{
    static const char *const args[] = {"get", "podtemplates,statefulsets,persistentvolumeclaims",
                                       "-n", STACK_NAMESPACE, NULL};
    return kubectl_json(k, args, NULL, out, err);
}

static struct source source_of(const json_t *stack, const struct project_grant *g)
{
    const json_t *set = find(stack, "StatefulSet", g->component, STACK_NAMESPACE);
    int64_t ready = json_get_int(json_object_get(set, "status"), "readyReplicas", 0);
    return (struct source){.g = g,
                           .template = find(stack, "PodTemplate", g->job, STACK_NAMESPACE),
                           .ready = ready > 0,
                           .where = project_where(g, stack)};
}

/* By name: one that an owner made has no label. */
static int get_secrets(const struct kubectl *k, const struct project_grant *g, json_t **out,
                       struct error *err)
{
    AUTO_FREE char *field = xasprintf("metadata.name=%s", g->secret);
    const char *const args[] = {"get", "secrets", "--all-namespaces", "--field-selector",
                                field, NULL};
    return kubectl_json(k, args, NULL, out, err);
}

/* Applies, or runs as a Job, what has passwords in it. */

static int run_order(const struct kubectl *k, const struct source *s,
                     const struct project_order *order, size_t count, struct error *err)
{
    int seconds = START_SECONDS + (int) count * s->g->seconds;
    AUTO_JSON *objects = project_order_objects(order, s->g, s->template, seconds);
    AUTO_JSON *list = kube_list(json_incref(objects));
    STRBUF(line, LINE_MAX_LEN);
    if (strbuf_full(&order->conf))
        return error_set(err, -E2BIG, "the order for %zu projects is too large", count);
    AUTO_SECRET *text = json_canonical(list);
    const struct stack_rendered rendered = {.text = text, .objects = objects};
    const struct stack_job job = {.kubectl = k,
                                  .objects = &rendered,
                                  .deadline_ms = clock_monotonic_ms() + seconds * 1000LL,
                                  .seconds = seconds};
    int r = stack_job_run(&job, &line, err);
    return r < 0 ? error_prefix(err, "job %s", s->g->job) : 0;
}

static int apply_secrets(const struct kubectl *k, json_t *secrets, struct error *err)
{
    AUTO_JSON *list = kube_list(json_incref(secrets));
    AUTO_SECRET *text = json_canonical(list);
    const struct stack_rendered rendered = {.text = text, .objects = secrets};
    bool changed;
    return stack_apply_objects(k, &rendered, &changed, err);
}

static int delete_stuck(const struct kubectl *k, const json_t *secret, struct error *err)
{
    const char *const args[] = {
        "delete", "secret", kube_name(secret), "-n", stack_namespace_of(secret, ""), NULL};
    return project_secret_is_stuck(secret)
               ? kubectl_run(k, args, NULL, KUBECTL_TIMEOUT_MS, NULL, err)
               : 0;
}

/* Giving */

struct due {
    size_t index; /* of the project */
    const json_t *there;
    char password[PROJECT_PASSWORD_LEN + 1];
    char mark[DIGEST_SIZE];
};

struct batch {
    struct due due[AT_ONCE];
    size_t count;
};

static bool is_due(const struct project_granting *a, const struct source *s, const json_t *secrets,
                   struct due *d)
{
    const struct project *p = &a->inv->projects[d->index];
    d->there = find(secrets, "Secret", s->g->secret, p->name);
    project_password(s->g, d->there, d->password);
    project_mark(s->g, p, d->password, s->where, d->mark);
    AUTO_JSON *wanted = project_secret(s->g, p, d->password, d->mark);
    return a->again || !project_secret_is(d->there, wanted);
}

/* Those from *next on that something is to be done for. */
static void collect(const struct project_granting *a, const struct source *s, const json_t *secrets,
                    size_t *next, struct batch *out)
{
    out->count = 0;
    for (; *next < a->inv->project_count && out->count < AT_ONCE; ++*next) {
        out->due[out->count].index = *next;
        out->count += is_due(a, s, secrets, &out->due[out->count]);
    }
}

static int tell_all(const struct project_granting *a, const struct source *s, const struct batch *b,
                    bool done, struct error *err)
{
    AUTO_JSON *secrets = json_array();
    int r = 0;
    for (size_t i = 0; r == 0 && i < b->count; i++) {
        const struct due *d = &b->due[i];
        json_array_append_new(secrets, project_secret(s->g, &a->inv->projects[d->index],
                                                      d->password, done ? d->mark : ""));
        r = done ? 0 : delete_stuck(a->k, d->there, err);
    }
    return r < 0 ? r : apply_secrets(a->k, secrets, err);
}

/* The Secrets come first: what was made with a password that nobody has is of no use. */
static int give_batch(const struct project_granting *a, const struct source *s,
                      const struct batch *b, struct error *err)
{
    AUTO_PROJECT_ORDER order = {0};
    int r;
    project_order_begin(&order, s->g);
    for (size_t i = 0; i < b->count; i++)
        s->g->add(&order, &a->inv->projects[b->due[i].index], b->due[i].password, PROJECT_GIVE);
    if ((r = tell_all(a, s, b, false, err)) < 0 ||
        (r = run_order(a->k, s, &order, b->count, err)) < 0)
        return r;
    return tell_all(a, s, b, true, err);
}

static void show(const struct project_granting *a, const struct batch *b, enum view_state state,
                 const char *what, const char *text)
{
    for (size_t i = 0; i < b->count; i++)
        view_host(a->v, b->due[i].index, state, what, text, 0, 0);
}

static int fail(const struct project_granting *a, const struct batch *b, const char *what,
                struct error *err)
{
    if (err->code == -ECANCELED)
        return EXIT_INTERRUPTED;
    show(a, b, VIEW_FAILED, what, err->text);
    (void) error_remedy(err, "`bigtop-bootstrap stack status` tells whether the stack runs; "
                             "`bigtop-bootstrap project apply` goes on from here");
    view_error(a->v, NULL, what, err);
    return EXIT_HOST_FAILED;
}

static int give(const struct project_granting *a, const struct source *s, const json_t *secrets)
{
    AUTO_FREE struct batch *b = xcalloc(1, sizeof(*b));
    int code = EXIT_DONE;
    for (size_t next = 0; code == EXIT_DONE && next < a->inv->project_count;) {
        struct error err = ERROR_INIT;
        collect(a, s, secrets, &next, b);
        if (b->count > 0 && !s->ready) {
            view_warn(a->v, NULL,
                      "%s is not ready: projects get their %s from the next `project apply`",
                      s->g->component, s->g->what);
            return EXIT_DONE;
        }
        show(a, b, VIEW_WORKING, s->g->what, "");
        if (b->count > 0 && give_batch(a, s, b, &err) < 0)
            code = fail(a, b, s->g->what, &err);
        for (size_t i = 0; i < b->count; i++)
            a->changed[b->due[i].index] = true;
    }
    explicit_bzero(b, sizeof(*b));
    return code;
}

static int give_from(const struct project_granting *a, const json_t *stack,
                     const struct project_grant *g)
{
    CLEANUP(source_release) struct source s = source_of(stack, g);
    AUTO_JSON *secrets = NULL;
    struct error err = ERROR_INIT;
    if (!s.template)
        return EXIT_DONE;
    if (get_secrets(a->k, g, &secrets, &err) < 0)
        return fail(a, &(struct batch){.count = 0}, g->what, &err);
    return give(a, &s, secrets);
}

int project_grant_all(const struct project_granting *a)
{
    AUTO_JSON *stack = NULL;
    struct error err = ERROR_INIT;
    int code = EXIT_DONE;
    if (get_stack(a->k, &stack, &err) < 0)
        return fail(a, &(struct batch){.count = 0}, "stack", &err);
    for (size_t i = 0; code == EXIT_DONE && project_grants[i]; i++)
        code = give_from(a, stack, project_grants[i]);
    return code;
}

static int due_from(const struct project_granting *a, const json_t *stack,
                    const struct project_grant *g, struct strv *due, struct error *err)
{
    CLEANUP(source_release) struct source s = source_of(stack, g);
    AUTO_JSON *secrets = NULL;
    int r = s.template ? get_secrets(a->k, g, &secrets, err) : 0;
    for (size_t i = 0; r == 0 && s.template && i < a->inv->project_count; i++) {
        struct due d = {.index = i};
        if (is_due(a, &s, secrets, &d))
            strv_add(&due[i], g->what);
        explicit_bzero(&d, sizeof(d));
    }
    return r;
}

int project_grants_due(const struct kubectl *k, const struct inventory *inv, struct strv *due,
                       struct error *err)
{
    const struct project_granting a = {.k = k, .inv = inv};
    AUTO_JSON *stack = NULL;
    int r = get_stack(k, &stack, err);
    for (size_t i = 0; r == 0 && project_grants[i]; i++)
        r = due_from(&a, stack, project_grants[i], due, err);
    return r;
}

/* Taking back */

/* Also where no Secret tells of it: its owners may have removed that. */
static int take_from(const struct kubectl *k, const struct source *s, const struct project *p,
                     enum project_deed deed, struct error *err)
{
    char password[PROJECT_PASSWORD_LEN + 1];
    AUTO_JSON *secret = NULL;
    AUTO_PROJECT_ORDER order = {0};
    int r = kubectl_find(k, "secret", s->g->secret, p->name, &secret, err);
    if (r < 0)
        return r;
    project_password(s->g, secret, password);
    project_order_begin(&order, s->g);
    s->g->add(&order, p, password, deed);
    explicit_bzero(password, sizeof(password));
    if ((r = run_order(k, s, &order, 1, err)) < 0 || !secret || deed == PROJECT_DELETE)
        return r;
    const char *const args[] = {"annotate",          "secret", s->g->secret, "-n", p->name,
                                PROJECT_GRANTED "-", NULL};
    return kubectl_run(k, args, NULL, KUBECTL_TIMEOUT_MS, NULL, err);
}

static int take_if_there(const struct kubectl *k, const json_t *stack,
                         const struct project_grant *g, const struct project *p,
                         enum project_deed deed, struct error *err)
{
    CLEANUP(source_release) struct source s = source_of(stack, g);
    if (!s.template)
        return 0;
    if (s.ready)
        return take_from(k, &s, p, deed, err);
    error_set(err, -EAGAIN, "%s is not ready: what project %s has there cannot be taken back",
              g->component, p->name);
    return error_remedy(err, "run the same command again once `bigtop-bootstrap stack status` says "
                             "that it is ready");
}

int project_take_back(const struct kubectl *k, const char *name, bool delete_data,
                      struct error *err)
{
    AUTO_FREE char *copy = xstrdup(name);
    const struct project p = {.name = copy};
    enum project_deed deed = delete_data ? PROJECT_DELETE : PROJECT_TAKE;
    AUTO_JSON *stack = NULL;
    int r = get_stack(k, &stack, err);
    for (size_t i = 0; r == 0 && project_grants[i]; i++)
        r = take_if_there(k, stack, project_grants[i], &p, deed, err);
    return r;
}
