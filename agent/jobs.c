#include "agent/jobs.h"

#include "agent/serve.h"
#include "lib/clock.h"
#include "lib/digest.h"
#include "lib/protocol.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct watcher {
    uint64_t session;
    int64_t id;
    struct watcher *next;
};

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE };

struct job {
    char *id, *run, *who;
    const struct step *step;
    json_t *params;
    char params_digest[DIGEST_SIZE];
    enum job_state state;
    int64_t since_ms;    /* wall clock: when it started to run */
    json_t *outcome;     /* {"result":…} or {"error":…} once done */
    json_t *progress;    /* the newest, for who attaches late */
    int64_t progress_at; /* monotonic */
    struct watcher *watchers;
    struct job *next;
};

struct jobs {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    bool stop, cancel;
    const struct step *(*find)(const char *name);
    struct ledger *ledger;
    job_event_fn on_event;
    void *userdata;
    struct job *first; /* oldest first */
    size_t count;
};

static void free_watchers(struct job *job)
{
    for (struct watcher *w = job->watchers, *next; w; w = next) {
        next = w->next;
        free(w);
    }
    job->watchers = NULL;
}

static void free_job(struct job *job)
{
    free_watchers(job);
    json_decref(job->params);
    json_decref(job->outcome);
    json_decref(job->progress);
    free(job->id);
    free(job->run);
    free(job->who);
    free(job);
}

/* The mutex is held; on_event only hands over. */
static void tell(struct jobs *jobs, const struct watcher *w, const char *key, json_t *value,
                 bool last)
{
    json_t *message = json_object();
    json_object_set_new(message, "id", json_integer(w->id));
    json_object_set_new(message, key, json_deep_copy(value));
    jobs->on_event(jobs->userdata, w->session, message, last);
}

static void tell_outcome(struct jobs *jobs, const struct job *job, const struct watcher *w)
{
    json_t *result = json_object_get(job->outcome, "result");
    if (result)
        tell(jobs, w, "result", result, true);
    else
        tell(jobs, w, "error", json_object_get(job->outcome, "error"), true);
}

static json_t *progress_json(const char *text, int64_t done, int64_t total)
{
    return json_pack("{s:s, s:I, s:I}", "text", text, "done", (json_int_t) done, "total",
                     (json_int_t) total);
}

struct running {
    struct jobs *jobs;
    struct job *job;
};

static void on_progress(void *userdata, const char *text, int64_t done, int64_t total)
{
    struct running *r = userdata;
    json_t *progress = progress_json(text, done, total);
    if (!progress) /* text of a program that is not UTF-8 */
        return;
    pthread_mutex_lock(&r->jobs->mutex);
    json_decref(r->job->progress);
    r->job->progress = progress;
    int64_t now = clock_monotonic_ms();
    if (now - r->job->progress_at >= JOB_PROGRESS_MS) {
        r->job->progress_at = now;
        for (const struct watcher *w = r->job->watchers; w; w = w->next)
            tell(r->jobs, w, "progress", progress, false);
    }
    pthread_mutex_unlock(&r->jobs->mutex);
}

/* What waited in line behind a reset would be recorded in a ledger that is about to be removed. */
static json_t *refuse_after_reset(void)
{
    struct error err = ERROR_INIT;
    error_set(&err, -ESHUTDOWN, "a reset has just removed the agent from this host");
    error_remedy(&err, "run again");
    return json_pack("{s:o}", "error", error_to_json(&err));
}

static json_t *run_step(struct jobs *jobs, struct job *job)
{
    if (serve_is_quitting())
        return refuse_after_reset();
    struct running running = {.jobs = jobs, .job = job};
    const struct step_context ctx = {.ledger = jobs->ledger,
                                     .cancel = &jobs->cancel,
                                     .progress = on_progress,
                                     .userdata = &running};
    struct error err = ERROR_INIT;
    json_t *result = NULL;
    int r = step_run(job->step, &ctx, job->params, &result, &err);
    if (r < 0 && err.code == 0)
        error_errno(&err, r, "%s", job->step->name);
    return r < 0 ? json_pack("{s:o}", "error", error_to_json(&err))
                 : json_pack("{s:o}", "result", result);
}

/* The mutex is held, but not while the step runs. */
static void run_job(struct jobs *jobs, struct job *job)
{
    job->state = JOB_RUNNING;
    job->since_ms = clock_wall_ms();
    pthread_mutex_unlock(&jobs->mutex);
    json_t *outcome = run_step(jobs, job);
    pthread_mutex_lock(&jobs->mutex);
    job->outcome = outcome;
    job->state = JOB_DONE;
    /* Secrets are in there, and nobody asks for them again. */
    json_decref(job->params);
    job->params = NULL;
    for (const struct watcher *w = job->watchers; w; w = w->next)
        tell_outcome(jobs, job, w);
    free_watchers(job);
}

static struct job *find_state(const struct jobs *jobs, enum job_state state)
{
    struct job *job = jobs->first;
    while (job && job->state != state)
        job = job->next;
    return job;
}

static void *jobs_main(void *arg)
{
    struct jobs *jobs = arg;
    pthread_mutex_lock(&jobs->mutex);
    while (!jobs->stop) {
        struct job *job = find_state(jobs, JOB_WAITING);
        if (job)
            run_job(jobs, job);
        else
            pthread_cond_wait(&jobs->changed, &jobs->mutex);
    }
    pthread_mutex_unlock(&jobs->mutex);
    return NULL;
}

struct jobs *jobs_new(const struct step *(*find)(const char *name), struct ledger *ledger,
                      job_event_fn on_event, void *userdata)
{
    struct jobs *jobs = xcalloc(1, sizeof *jobs);
    jobs->find = find;
    jobs->ledger = ledger;
    jobs->on_event = on_event;
    jobs->userdata = userdata;
    pthread_mutex_init(&jobs->mutex, NULL);
    pthread_cond_init(&jobs->changed, NULL);
    if (pthread_create(&jobs->thread, NULL, jobs_main, jobs) != 0)
        abort();
    return jobs;
}

void jobs_stop(struct jobs *jobs)
{
    if (jobs->stop)
        return;
    pthread_mutex_lock(&jobs->mutex);
    jobs->stop = true;
    __atomic_store_n(&jobs->cancel, true, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->mutex);
    pthread_join(jobs->thread, NULL);
}

void jobs_free(struct jobs **jobs_ptr)
{
    struct jobs *jobs = TAKE_PTR(*jobs_ptr);
    if (!jobs)
        return;
    jobs_stop(jobs);
    for (struct job *job = jobs->first, *next; job; job = next) {
        next = job->next;
        free_job(job);
    }
    pthread_cond_destroy(&jobs->changed);
    pthread_mutex_destroy(&jobs->mutex);
    free(jobs);
}

static struct job *find_job(const struct jobs *jobs, const char *id)
{
    struct job *job = jobs->first;
    while (job && strcmp(job->id, id) != 0)
        job = job->next;
    return job;
}

/* A new run has no use for what a former one did or had in line, and results may hold secrets. */
static bool is_left_over(const struct job *job, const char *run)
{
    if (strcmp(job->run, run) == 0)
        return false;
    return job->state == JOB_DONE || (job->state == JOB_WAITING && !job->watchers);
}

static void forget_former_runs(struct jobs *jobs, const char *run)
{
    for (struct job **at = &jobs->first; *at;) {
        struct job *job = *at;
        if (!is_left_over(job, run)) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        jobs->count--;
        free_job(job);
    }
}

static void params_digest(const json_t *params, char out[DIGEST_SIZE])
{
    AUTO_FREE char *text = json_canonical(params);
    digest_buffer(text, strlen(text), out);
}

static void watch(struct jobs *jobs, struct job *job, const struct job_request *request)
{
    struct watcher *w = xcalloc(1, sizeof *w);
    *w = (struct watcher){.session = request->session, .id = request->id, .next = job->watchers};
    if (job->state == JOB_DONE) {
        tell_outcome(jobs, job, w);
        free(w);
        return;
    }
    job->watchers = w;
    if (job->progress)
        tell(jobs, w, "progress", job->progress, false);
}

static void explain_waiting(struct jobs *jobs, struct job *job)
{
    const struct job *running = find_state(jobs, JOB_RUNNING);
    if (!running || strcmp(running->run, job->run) == 0)
        return;
    AUTO_FREE char *text = xasprintf("waiting for \"%s\" of an earlier run by %s",
                                     running->step->name, running->who);
    job->progress = progress_json(text, 0, 0);
}

static struct job *add_job(struct jobs *jobs, const struct job_request *request,
                           const struct step *step)
{
    struct job *job = xcalloc(1, sizeof *job);
    job->id = xstrdup(request->job);
    job->run = xstrdup(request->run);
    job->who = xstrdup(request->who);
    job->step = step;
    job->params = json_deep_copy(request->params);
    params_digest(request->params, job->params_digest);
    struct job **end = &jobs->first;
    while (*end)
        end = &(*end)->next;
    *end = job;
    jobs->count++;
    explain_waiting(jobs, job);
    return job;
}

static int check_request(const struct job_request *request, struct error *err)
{
    size_t len = strlen(request->run);
    if (strlen(request->job) > JOB_ID_MAX || strncmp(request->job, request->run, len) != 0 ||
        request->job[len] != '/')
        return error_set(err, -EINVAL, "a job's id must begin with its run and a slash");
    return 0;
}

static int start_or_attach(struct jobs *jobs, const struct job_request *request,
                           const struct step *step, struct error *err)
{
    struct job *job = find_job(jobs, request->job);
    if (job) {
        char digest[DIGEST_SIZE];
        params_digest(request->params, digest);
        if (job->step != step || strcmp(digest, job->params_digest) != 0)
            return error_set(err, -EEXIST, "job %s is another one", request->job);
    } else {
        forget_former_runs(jobs, request->run);
        if (jobs->count >= JOBS_MAX)
            return error_set(err, -ENOBUFS, "more than %d jobs in one run", JOBS_MAX);
        job = add_job(jobs, request, step);
        pthread_cond_broadcast(&jobs->changed);
    }
    watch(jobs, job, request);
    return 0;
}

int jobs_run(struct jobs *jobs, const struct job_request *request, struct error *err)
{
    int r = check_request(request, err);
    if (r < 0)
        return r;
    const struct step *step = jobs->find(request->step);
    if (!step)
        return error_set(err, -EINVAL, "this agent has no step \"%s\"", request->step);
    pthread_mutex_lock(&jobs->mutex);
    r = start_or_attach(jobs, request, step, err);
    pthread_mutex_unlock(&jobs->mutex);
    return r;
}

static void forget_watcher(struct job *job, uint64_t session)
{
    for (struct watcher **at = &job->watchers; *at;) {
        struct watcher *w = *at;
        if (w->session != session) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        free(w);
    }
}

void jobs_forget_session(struct jobs *jobs, uint64_t session)
{
    pthread_mutex_lock(&jobs->mutex);
    for (struct job *job = jobs->first; job; job = job->next)
        forget_watcher(job, session);
    pthread_mutex_unlock(&jobs->mutex);
}

bool jobs_busy(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->mutex);
    bool busy = find_state(jobs, JOB_RUNNING) || find_state(jobs, JOB_WAITING);
    pthread_mutex_unlock(&jobs->mutex);
    return busy;
}

json_t *jobs_running(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->mutex);
    const struct job *job = find_state(jobs, JOB_RUNNING);
    json_t *out = !job ? NULL
                       : json_pack("{s:s, s:s, s:s, s:I}", "job", job->id, "step", job->step->name,
                                   "who", job->who, "since_ms", (json_int_t) job->since_ms);
    pthread_mutex_unlock(&jobs->mutex);
    return out;
}
