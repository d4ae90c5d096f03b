#include "coordinator/stack-job.h"

#include "coordinator/stack-apply.h"
#include "coordinator/stack-objects.h"
#include "lib/clock.h"
#include "lib/kube.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define POLL_SECONDS 1
#define REMOVE_TIMEOUT_MS 60000

/* Also when the user has interrupted: nothing of it stays. */
static int remove_all(const struct stack_job *j, struct error *err)
{
    struct kubectl k = *j->kubectl;
    k.cancel = NULL;
    return stack_delete_objects(&k, j->objects->objects, REMOVE_TIMEOUT_MS, err);
}

static bool has_succeeded(const json_t *pod)
{
    return strcmp(json_get_string(json_object_get(pod, "status"), "phase", ""), "Succeeded") == 0;
}

static const char *made_at(const json_t *pod)
{
    return json_get_string(json_object_get(pod, "metadata"), "creationTimestamp", "");
}

const char *stack_job_pod(const json_t *list)
{
    const json_t *best = NULL;
    size_t i;
    json_t *pod;
    json_array_foreach(json_object_get(list, "items"), i, pod) {
        bool is_newer = !best || strcmp(made_at(pod), made_at(best)) > 0;
        if (has_succeeded(pod) || (is_newer && !(best && has_succeeded(best))))
            best = pod;
    }
    return best ? kube_name(best) : NULL;
}

static void read_log_of(const struct stack_job *j, const char *job, struct strbuf *out)
{
    AUTO_FREE char *label = xasprintf("batch.kubernetes.io/job-name=%s", job);
    const char *const args[] = {"get", "pods", "-n", STACK_NAMESPACE, "-l", label, NULL};
    AUTO_JSON *pods = NULL;
    if (kubectl_json(j->kubectl, args, NULL, &pods, NULL) < 0)
        return;
    const char *pod = stack_job_pod(pods);
    if (pod)
        kubectl_last_line(j->kubectl, pod, STACK_NAMESPACE, NULL, out);
}

static void read_log(const struct stack_job *j, struct strbuf *out)
{
    size_t i;
    json_t *o;
    json_array_foreach(j->objects->objects, i, o) {
        if (kube_is_kind(o, "Job"))
            read_log_of(j, kube_name(o), out);
    }
}

static int await(const struct stack_job *j, struct strbuf *line, struct error *err)
{
    const struct timespec pause = {.tv_sec = POLL_SECONDS};
    for (;;) {
        struct stack_progress p = {0};
        int r = stack_look(j->kubectl, j->objects, &p, err);
        if (r < 0)
            return r;
        bool late = clock_monotonic_ms() > j->deadline_ms;
        if (p.done || p.trouble == STACK_JOB_FAILED || late)
            read_log(j, line);
        if (p.done)
            return 0;
        if (p.trouble == STACK_JOB_FAILED)
            return error_set(err, -EREMOTEIO, "%s", line->len ? line->data : p.reason);
        if (late) {
            (void) stack_explain(&p, line->data, err);
            return error_prefix(err, "not done after %d s", j->seconds);
        }
        if (kubectl_cancelled(j->kubectl))
            return error_set(err, -ECANCELED, "interrupted");
        nanosleep(&pause, NULL);
    }
}

int stack_job_run(const struct stack_job *j, struct strbuf *line, struct error *err)
{
    struct error late = ERROR_INIT;
    bool changed;
    int r = remove_all(j, err);
    if (r < 0)
        return r;
    r = stack_apply_objects(j->kubectl, j->objects, &changed, err);
    r = r < 0 ? r : await(j, line, err);
    int removed = remove_all(j, &late);
    if (r == 0 && removed < 0)
        *err = late;
    return r < 0 ? r : removed;
}
