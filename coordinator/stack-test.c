#include "coordinator/stack-test.h"

#include "coordinator/command.h"
#include "coordinator/stack-apply.h"
#include "coordinator/stack-job.h"
#include "coordinator/stack-objects.h"
#include "lib/clock.h"
#include "lib/kube.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define AT_ONCE 4 /* components: test jobs take memory, too */
#define POLL_SECONDS 1
#define LINE_MAX_LEN 4096
#define TABLE_LINE 100

void stack_tests_release(struct stack_tests *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->runs[i].line);
    free(t->runs);
    *t = STACK_TESTS_INIT;
}

bool stack_test_kills(const struct stack_test *t)
{
    for (size_t i = 0; i < t->step_count; i++)
        if (t->steps[i].kind == STACK_STEP_KILL)
            return true;
    return false;
}

int stack_tests_choose(const struct stack_work *w, const struct strv *names,
                       struct stack_tests *out, struct error *err)
{
    for (size_t i = 0; i < names->count; i++)
        if (!stack_find(&w->stack, names->items[i]))
            return error_set(err, -ENOENT, "profile %s has no component %s", w->stack.name,
                             names->items[i]);
    for (size_t i = 0; i < w->stack.count; i++) {
        const struct stack_component *c = &w->stack.components[i];
        if (names->count && !strv_contains(names, c->name))
            continue;
        for (size_t k = 0; k < c->test_count; k++) {
            out->runs = xrealloc(out->runs, out->count + 1, sizeof(*out->runs));
            out->runs[out->count++] = (struct stack_test_run){
                .component = c, .rendered = &w->rendered[i], .test = &c->tests[k]};
        }
    }
    return 0;
}

struct view *stack_tests_view(enum view_mode mode, const struct stack_tests *t)
{
    STRV(names);
    for (size_t i = 0; i < t->count; i++)
        strv_addf(&names, "%s: %s", t->runs[i].component->name, t->runs[i].test->name);
    return view_open_rows(mode, "test", &names);
}

/* One test */

struct testing {
    const struct stack_work *w;
    struct stack_tests *tests;
    struct view *view;
    pthread_mutex_t lock; /* for `next` */
    size_t next;          /* component that nobody has taken */
};

struct one {
    const struct testing *t;
    size_t index;
    struct stack_test_run *run;
    int64_t deadline_ms;
};

static int run_job(const struct one *o, const struct stack_step *step, struct error *err)
{
    CLEANUP(stack_rendered_release) struct stack_rendered r = {0};
    STRBUF(line, LINE_MAX_LEN);
    if (stack_render_job(o->run->component, step, &r.text, &r.objects, err) < 0)
        return err->code;
    const struct stack_job job = {.kubectl = &o->t->w->kubectl,
                                  .objects = &r,
                                  .deadline_ms = o->deadline_ms,
                                  .seconds = o->run->test->seconds};
    if (stack_job_run(&job, &line, err) < 0)
        return error_prefix(err, "%s", step->what);
    free(o->run->line);
    o->run->line = strbuf_steal(&line);
    return 0;
}

static int kill_pod(const struct one *o, const char *pod, struct error *err)
{
    const char *const args[] = {"delete",  "pod",           pod,
                                "-n",      STACK_NAMESPACE, "--grace-period=0",
                                "--force", "--wait=false",  NULL};
    return kubectl_run(&o->t->w->kubectl, args, NULL, KUBECTL_TIMEOUT_MS, NULL, err);
}

/* What comes next meets all of it. */
static int await_ready(const struct one *o, struct error *err)
{
    const struct timespec pause = {.tv_sec = POLL_SECONDS};
    int64_t until = clock_monotonic_ms() + o->run->component->ready_seconds * 1000LL;
    for (;;) {
        struct stack_progress p = {0};
        int e = stack_look(&o->t->w->kubectl, o->run->rendered, &p, err);
        if (e < 0 || p.done)
            return e;
        if (clock_monotonic_ms() > until) {
            (void) stack_explain(&p, "", err);
            return error_prefix(err, "not ready again after %d s",
                                o->run->component->ready_seconds);
        }
        if (kubectl_cancelled(&o->t->w->kubectl))
            return error_set(err, -ECANCELED, "interrupted");
        nanosleep(&pause, NULL);
    }
}

static int run_steps(const struct one *o, struct error *err)
{
    const struct stack_test *test = o->run->test;
    int r = 0;
    for (size_t i = 0; r == 0 && i < test->step_count; i++) {
        const struct stack_step *s = &test->steps[i];
        bool job = s->kind == STACK_STEP_JOB;
        view_host(o->t->view, o->index, VIEW_WORKING, job ? "job" : "kill", s->what, 0, 0);
        r = job ? run_job(o, s, err) : kill_pod(o, s->what, err);
    }
    return r == 0 && stack_test_kills(test) ? await_ready(o, err) : r;
}

/* Of time, or of memory for its pods. */
static bool ran_short(const struct stack_test_run *run)
{
    return !run->alone && (run->err.code == -ETIMEDOUT || run->err.code == -ENOSPC);
}

static void run_test(const struct testing *t, size_t i)
{
    struct stack_test_run *run = &t->tests->runs[i];
    int64_t began = clock_monotonic_ms();
    const struct one o = {t, i, run, began + run->test->seconds * 1000LL};
    int r = run_steps(&o, &run->err);
    run->ran = true;
    run->ms = clock_monotonic_ms() - began;
    if (ran_short(run)) {
        view_host(t->view, i, VIEW_WAITING, "test", "did not end beside others: again, alone", 0,
                  0);
        return;
    }
    view_host(t->view, i, r < 0 ? VIEW_FAILED : VIEW_DONE, "test",
              r < 0 ? run->err.text : run->line, 0, 0);
    if (r < 0 && r != -ECANCELED)
        view_row_error(t->view, i, "test", &run->err);
}

/* All of them */

static void run_component(const struct testing *t, const struct stack_component *c)
{
    for (size_t i = 0; i < t->tests->count && !kubectl_cancelled(&t->w->kubectl); i++)
        if (t->tests->runs[i].component == c && !stack_test_kills(t->tests->runs[i].test))
            run_test(t, i);
}

static void *work(void *userdata)
{
    struct testing *t = userdata;
    for (;;) {
        pthread_mutex_lock(&t->lock);
        size_t i = t->next++;
        pthread_mutex_unlock(&t->lock);
        if (i >= t->w->stack.count)
            return NULL;
        run_component(t, &t->w->stack.components[i]);
    }
}

static void run_at_once(struct testing *t)
{
    pthread_t threads[AT_ONCE];
    size_t started = 0;
    while (started < AT_ONCE && pthread_create(&threads[started], NULL, work, t) == 0)
        started++;
    if (started == 0)
        (void) work(t);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

static bool is_one_component(const struct stack_tests *tests)
{
    for (size_t i = 1; i < tests->count; i++)
        if (tests->runs[i].component != tests->runs[0].component)
            return false;
    return true;
}

static void run_alone(struct testing *t, size_t i)
{
    t->tests->runs[i].alone = true;
    run_test(t, i);
}

/* A cluster with few cores is not broken because it is slow with all at once. */
static void run_again(struct testing *t)
{
    for (size_t i = 0; i < t->tests->count && !kubectl_cancelled(&t->w->kubectl); i++) {
        struct stack_test_run *run = &t->tests->runs[i];
        if (!ran_short(run))
            continue;
        run->err = ERROR_INIT;
        run->again = true;
        run_alone(t, i);
    }
}

static void run_killing(struct testing *t)
{
    for (size_t i = 0; i < t->tests->count && !kubectl_cancelled(&t->w->kubectl); i++)
        if (stack_test_kills(t->tests->runs[i].test))
            run_alone(t, i);
}

static const char *verdict(const struct stack_test_run *r)
{
    return !r->ran ? "not run" : r->err.code ? "FAILED" : "ok";
}

void stack_tests_table(const struct stack_tests *t, struct strv *lines)
{
    strv_addf(lines, "%-16s %-36s %7s  %-7s %s", "component", "test", "seconds", "", "result");
    for (size_t i = 0; i < t->count; i++) {
        const struct stack_test_run *r = &t->runs[i];
        const char *text = r->err.code ? r->err.text : r->line ? r->line : "";
        STRBUF(safe, LINE_MAX_LEN);
        strbuf_adds(&safe, r->again ? "(alone, the second time) " : "");
        strbuf_add_printable(&safe, text, strnlen(text, TABLE_LINE));
        strv_addf(lines, "%-16s %-36s %7.1f  %-7s %s", r->component->name, r->test->name,
                  (double) r->ms / 1000.0, verdict(r), safe.data);
    }
}

static int conclude(const struct testing *t)
{
    STRV(lines);
    size_t passed = 0;
    stack_tests_table(t->tests, &lines);
    for (size_t i = 0; i < t->tests->count; i++)
        passed += t->tests->runs[i].ran && t->tests->runs[i].err.code == 0;
    for (size_t i = 0; i < lines.count; i++)
        view_note(t->view, NULL, "%s", lines.items[i]);
    if (kubectl_cancelled(&t->w->kubectl)) {
        view_summary(t->view, "interrupted; %zu of %zu tests passed", passed, t->tests->count);
        return EXIT_INTERRUPTED;
    }
    view_summary(t->view, "%zu of %zu tests passed", passed, t->tests->count);
    return passed == t->tests->count ? EXIT_DONE : EXIT_HOST_FAILED;
}

int stack_tests_run(const struct stack_work *w, struct stack_tests *tests, struct view *v)
{
    struct testing t = {.w = w, .tests = tests, .view = v};
    for (size_t i = 0; i < tests->count; i++)
        tests->runs[i].alone = is_one_component(tests);
    pthread_mutex_init(&t.lock, NULL);
    run_at_once(&t);
    run_again(&t);
    run_killing(&t);
    pthread_mutex_destroy(&t.lock);
    return conclude(&t);
}
