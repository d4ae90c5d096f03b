#include "coordinator/stack-apply.h"

#include "coordinator/command.h"
#include "coordinator/stack-certificate.h"
#include "coordinator/stack-objects.h"
#include "coordinator/stack-owned.h"
#include "coordinator/stack-secret.h"
#include "lib/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define POLL_MS 1000
#define SLICE_MS 100
#define FINAL_MS 30000 /* what a kubelet will not come over by itself has stood so long */
#define LOG_LINE_MAX 4096
#define REMEDY_AGAIN "`bigtop-bootstrap stack apply` goes on from here"

enum state { WAITING, STARTING, READY, FAILED };

struct item {
    enum state state;
    bool changed;
    int64_t began_ms, trouble_ms; /* trouble_ms: since when the worst is there; 0: none */
    struct stack_stand stand;
    struct stack_progress progress;
};

struct applying {
    const struct stack_work *w;
    struct view *view;
    struct item *items;
    json_t *owned; /* stack-owned.h */
    int code;
};

struct view *stack_view(enum view_mode mode, const struct stack *s)
{
    STRV(names);
    for (size_t i = 0; i < s->count; i++)
        strv_add(&names, s->components[i].name);
    return view_open_rows(mode, "component", &names);
}

/* Failures */

int stack_explain(const struct stack_progress *p, const char *last_line, struct error *err)
{
    const char *where = p->pod, *why = p->reason;
    switch (p->trouble) {
    case STACK_NO_IMAGE:
        error_set(err, -ENOENT, "pod %s: its node does not have the image %s", where, why);
        return error_remedy(err, "`bigtop-bootstrap HOSTS.YAML` brings it to the hosts, with this "
                                 "`profile` in the file and a bundle that has the image");
    case STACK_NO_CONFIG:
        error_set(err, -ENOENT, "pod %s, container %s: %s", where, p->container, why);
        return error_remedy(err, "mend the component's folder: it names what is not there");
    case STACK_CRASHES:
        error_set(err, -EREMOTEIO, "pod %s, container %s ends again and again (%s): %s", where,
                  p->container, why, last_line[0] ? last_line : "its log is empty");
        return error_remedy(err, "kubectl -n %s logs %s -c %s", p->space, where, p->container);
    case STACK_UNSCHEDULABLE:
        error_set(err, -ENOSPC, "pod %s finds no node: %s", where, why);
        return error_remedy(err, "add a node or memory, or lower the component's values in the "
                                 "profile");
    case STACK_JOB_FAILED:
        error_set(err, -EREMOTEIO, "a job of it failed: %s", why);
        return error_remedy(err, "kubectl -n " STACK_NAMESPACE " get jobs,pods shows which, its "
                                 "log says why; delete the job, then " REMEDY_AGAIN);
    case STACK_UNREADY:
        error_set(err, -ETIMEDOUT, "pod %s, container %s: %s", where, p->container, why);
        return error_remedy(err,
                            "kubectl -n %s describe pod %s tells what its probe says; a slow "
                            "machine may need more `ready_seconds`: " REMEDY_AGAIN,
                            p->space, where);
    case STACK_NO_TROUBLE:
        break;
    }
    error_set(err, -ETIMEDOUT, "%d of %d ready", p->ready, p->wanted);
    return error_remedy(err,
                        "kubectl -n " STACK_NAMESPACE " get pods shows the rest; " REMEDY_AGAIN);
}

static void fail(struct applying *a, size_t i, const char *step, const struct error *err)
{
    struct item *item = &a->items[i];
    item->state = FAILED;
    a->code = err->code == -ECANCELED ? EXIT_INTERRUPTED : EXIT_HOST_FAILED;
    view_host(a->view, i, VIEW_FAILED, step, err->text, 0, 0);
    if (err->code != -ECANCELED)
        view_row_error(a->view, i, step, err);
}

static void fail_unready(struct applying *a, size_t i, bool final)
{
    const struct stack_component *c = &a->w->stack.components[i];
    const struct stack_progress *p = &a->items[i].progress;
    struct error err = ERROR_INIT;
    STRBUF(line, LOG_LINE_MAX);
    if (p->trouble == STACK_CRASHES)
        kubectl_last_line(&a->w->kubectl, p->pod, p->space, p->container, &line);
    (void) stack_explain(p, line.data, &err);
    if (!final)
        (void) error_prefix(&err, "not ready after %d s", c->ready_seconds);
    fail(a, i, "start", &err);
}

/* One component */

static int apply_one(const struct applying *a, size_t i, bool *changed, struct error *err)
{
    const struct kubectl *k = &a->w->kubectl;
    const struct stack_component *c = &a->w->stack.components[i];
    int r;
    if ((r = stack_owned_add(a->w, i, a->owned, err)) < 0 ||
        (r = stack_make_secrets(k, c, changed, err)) < 0 ||
        (r = stack_make_certificates(k, c, changed, err)) < 0)
        return r;
    return stack_apply_objects(k, &a->w->rendered[i], changed, err);
}

static void start(struct applying *a, size_t i)
{
    struct item *item = &a->items[i];
    struct error err = ERROR_INIT;
    view_host(a->view, i, VIEW_WORKING, "apply", "", 0, 0);
    item->began_ms = clock_monotonic_ms();
    item->state = STARTING;
    if (apply_one(a, i, &item->changed, &err) < 0)
        fail(a, i, "apply", &err);
}

static void give_up(struct applying *a, size_t i, size_t failed)
{
    STRBUF(text, LOG_LINE_MAX);
    strbuf_addf(&text, "it comes after %s", a->w->stack.components[failed].name);
    a->items[i].state = FAILED;
    view_host(a->view, i, VIEW_FAILED, "wait", text.data, 0, 0);
}

static void start_if_due(struct applying *a, size_t i)
{
    const struct stack_component *c = &a->w->stack.components[i];
    size_t ready = 0;
    for (size_t k = 0; k < c->after_count; k++) {
        if (a->items[c->after[k]].state == FAILED) {
            give_up(a, i, c->after[k]);
            return;
        }
        ready += a->items[c->after[k]].state == READY;
    }
    if (ready == c->after_count)
        start(a, i);
}

static void start_ready(struct applying *a)
{
    for (size_t i = 0; i < a->w->stack.count && a->code != EXIT_INTERRUPTED; i++)
        if (a->items[i].state == WAITING)
            start_if_due(a, i);
}

static bool is_final(const struct item *item, int64_t now)
{
    const struct stack_progress *p = &item->progress;
    if (p->trouble == STACK_JOB_FAILED)
        return true;
    return p->trouble >= STACK_NO_CONFIG && now - item->trouble_ms > FINAL_MS;
}

static void show_progress(const struct applying *a, size_t i)
{
    static const char *const words[] = {[STACK_UNREADY] = "is not ready yet",
                                        [STACK_UNSCHEDULABLE] = "finds no node",
                                        [STACK_CRASHES] = "ended and is started again",
                                        [STACK_NO_CONFIG] = "lacks a Secret or ConfigMap",
                                        [STACK_NO_IMAGE] = "lacks its image"};
    const struct stack_progress *p = &a->items[i].progress;
    STRBUF(text, LOG_LINE_MAX);
    strbuf_addf(&text, "%d of %d ready", p->ready, p->wanted);
    if (p->trouble && p->trouble != STACK_JOB_FAILED)
        strbuf_addf(&text, "; %s %s", p->pod, words[p->trouble]);
    view_host(a->view, i, VIEW_WORKING, "start", text.data, 0, 0);
}

static void show_ready(const struct applying *a, size_t i, int64_t now)
{
    const struct item *item = &a->items[i];
    STRBUF(text, LOG_LINE_MAX);
    strbuf_addf(&text, "%d of %d%s, %.1f s", item->progress.ready, item->progress.wanted,
                item->changed ? "" : ", nothing to change",
                (double) (now - item->began_ms) / 1000.0);
    view_host(a->view, i, VIEW_DONE, "ready", text.data, 0, 0);
}

/* Only now: until all is as it is to be, pods may still need what they were made with. */
static void finish(struct applying *a, size_t i, int64_t now)
{
    struct item *item = &a->items[i];
    struct error err = ERROR_INIT;
    STRV(removed);
    if (stack_owned_prune(a->w, i, a->owned, &removed, &err) < 0) {
        fail(a, i, "prune", &err);
        return;
    }
    if (removed.count) {
        AUTO_FREE char *list = strv_join(&removed, ", ");
        item->changed = true;
        view_note(a->view, NULL, "%s: removed what it no longer has: %s",
                  a->w->stack.components[i].name, list);
    }
    item->state = READY;
    show_ready(a, i, now);
}

static void judge_one(struct applying *a, size_t i, const json_t *live, int64_t now)
{
    struct item *item = &a->items[i];
    enum stack_trouble before = item->progress.trouble;
    stack_judge(a->w->rendered[i].objects, live, STACK_NAMESPACE, &item->progress);
    if (item->progress.trouble != before)
        item->trouble_ms = now;
    if (stack_stands(&item->progress, &item->stand, now)) {
        finish(a, i, now);
    } else if (is_final(item, now)) {
        fail_unready(a, i, true);
    } else if (now - item->began_ms > a->w->stack.components[i].ready_seconds * 1000LL) {
        fail_unready(a, i, false);
    } else {
        show_progress(a, i);
    }
}

static void fail_all(struct applying *a, const char *step, const struct error *err)
{
    for (size_t i = 0; i < a->w->stack.count; i++)
        if (a->items[i].state == STARTING || a->items[i].state == WAITING) {
            a->items[i].state = FAILED;
            view_host(a->view, i, VIEW_FAILED, step, "", 0, 0);
        }
    a->code = err->code == -ECANCELED ? EXIT_INTERRUPTED : EXIT_HOST_FAILED;
    if (err->code != -ECANCELED)
        view_error(a->view, NULL, step, err);
}

static void judge_started(struct applying *a)
{
    struct error err = ERROR_INIT;
    AUTO_JSON *live = NULL;
    if (stack_fetch_live(&a->w->kubectl, a->w->rendered, a->w->stack.count, &live, &err) < 0) {
        fail_all(a, "look", &err);
        return;
    }
    int64_t now = clock_monotonic_ms();
    for (size_t i = 0; i < a->w->stack.count; i++)
        if (a->items[i].state == STARTING)
            judge_one(a, i, live, now);
}

static size_t count_state(const struct applying *a, enum state state)
{
    size_t n = 0;
    for (size_t i = 0; i < a->w->stack.count; i++)
        n += a->items[i].state == state;
    return n;
}

static void wait_a_little(const struct applying *a)
{
    const struct timespec slice = {.tv_nsec = SLICE_MS * 1000000L};
    for (int ms = 0; ms < POLL_MS && !kubectl_cancelled(&a->w->kubectl); ms += SLICE_MS)
        nanosleep(&slice, NULL);
}

static void walk(struct applying *a)
{
    struct error err = ERROR_INIT;
    for (;;) {
        if (kubectl_cancelled(&a->w->kubectl)) {
            error_set(&err, -ECANCELED, "interrupted");
            fail_all(a, "interrupted", &err);
        }
        start_ready(a);
        if (count_state(a, STARTING) > 0)
            judge_started(a);
        if (count_state(a, STARTING) + count_state(a, WAITING) == 0)
            return;
        if (count_state(a, STARTING) > 0)
            wait_a_little(a);
    }
}

/* They may be in use: they stay until somebody says otherwise. */
void stack_tell_gone(const struct stack_work *w, const struct strv *gone, struct view *v)
{
    for (size_t i = 0; i < gone->count; i++)
        view_warn(v, NULL,
                  "profile %s does not have %s, which the cluster has: it stays as it is; "
                  "`bigtop-bootstrap stack remove %s` takes it out",
                  w->stack.name, gone->items[i], gone->items[i]);
}

static void tell_gone(const struct applying *a)
{
    STRV(gone);
    stack_find_gone(&a->w->stack, a->owned, &gone);
    stack_tell_gone(a->w, &gone, a->view);
}

static int remember(const struct applying *a, struct error *err)
{
    const struct stack_work *w = a->w;
    AUTO_FREE char *former = NULL;
    int r = stack_recall(&w->kubectl, STACK_APPLIED, &former, err);
    if (r < 0 || (former && strcmp(former, w->profile) == 0))
        return r;
    return stack_remember(&w->kubectl, STACK_APPLIED, w->profile, err);
}

/* Nothing was applied yet. */
static void refuse(struct applying *a, const struct error *err)
{
    fail_all(a, "check", err);
    if (err->code == -ENOSPC)
        a->code = EXIT_BAD_INPUT;
}

int stack_apply(const struct stack_work *w, struct view *v, size_t *changed)
{
    AUTO_FREE struct item *items = xcalloc(w->stack.count, sizeof(*items));
    struct applying a = {.w = w, .view = v, .items = items, .code = EXIT_DONE};
    struct error err = ERROR_INIT;
    bool made = false;
    *changed = 0;
    if (stack_check_room(&w->kubectl, &w->stack, w->rendered, &err) < 0) {
        refuse(&a, &err);
        return a.code;
    }
    if (stack_make_namespace(&w->kubectl, &made, &err) < 0)
        fail_all(&a, "namespace " STACK_NAMESPACE, &err);
    else if (remember(&a, &err) < 0 || stack_owned_load(&w->kubectl, &a.owned, &err) < 0)
        fail_all(&a, "remember the profile", &err);
    else
        walk(&a);
    if (a.owned)
        tell_gone(&a);
    json_decref(a.owned);
    for (size_t i = 0; i < w->stack.count; i++)
        *changed += items[i].changed;
    return a.code;
}

int stack_apply_and_tell(const struct stack_work *w, struct view *v, int64_t began_ms,
                         size_t *changed)
{
    int code = stack_apply(w, v, changed);
    double seconds = (double) (clock_monotonic_ms() - began_ms) / 1000.0;
    const char *name = w->stack.name;
    if (code == EXIT_INTERRUPTED)
        view_summary(v, "interrupted; run the same command again to go on");
    else if (code == EXIT_BAD_INPUT)
        view_summary(v, "refused; nothing was changed");
    else if (code != EXIT_DONE)
        view_summary(v, "failed; run the same command again once that is mended");
    else if (*changed == 0)
        view_summary(v, "nothing to change (profile %s, %zu components, %.1f s)", name,
                     w->stack.count, seconds);
    else
        view_summary(v, "profile %s is ready: %zu of %zu components changed, %.1f s", name,
                     *changed, w->stack.count, seconds);
    return code;
}
