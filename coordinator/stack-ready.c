#include "coordinator/stack-ready.h"

#include "lib/kube.h"
#include "lib/pod.h"

#include <stdio.h>
#include <string.h>

#define STANDS_MS 3000

struct judging {
    const json_t *live;
    const char *home;
    struct stack_progress *out;
};

static const json_t *metadata(const json_t *object)
{
    return json_object_get(object, "metadata");
}

const char *stack_namespace_of(const json_t *object, const char *home)
{
    return json_get_string(metadata(object), "namespace", home);
}

/* Counts */

static int count(const json_t *status, const char *key)
{
    return (int) json_get_int(status, key, 0);
}

/* Until its controller has seen what was applied, its counts are of what was there before. */
static bool is_observed(const json_t *live)
{
    return json_get_int(json_object_get(live, "status"), "observedGeneration", 0) >=
           json_get_int(metadata(live), "generation", 0);
}

static int wanted_replicas(const json_t *object)
{
    return (int) json_get_int(json_object_get(object, "spec"), "replicas", 1);
}

static int ready_of_deployment(const json_t *live)
{
    const json_t *status = json_object_get(live, "status");
    int updated = count(status, "updatedReplicas"), available = count(status, "availableReplicas");
    int old = count(status, "replicas") - updated;
    int ready = available - old;
    return ready < 0 ? 0 : ready < updated ? ready : updated;
}

/* updateRevision's pods are counted in updatedReplicas, and once they are all in replicas. */
static int ready_of_stateful_set(const json_t *live)
{
    const json_t *status = json_object_get(live, "status");
    const char *update = json_get_string(status, "updateRevision", "");
    bool same = strcmp(update, json_get_string(status, "currentRevision", "")) == 0;
    int updated = same ? count(status, "replicas") : count(status, "updatedReplicas");
    int ready = count(status, "availableReplicas");
    return ready < updated ? ready : updated;
}

static int ready_of_daemon_set(const json_t *live)
{
    const json_t *status = json_object_get(live, "status");
    int ready = count(status, "numberAvailable"), updated = count(status, "updatedNumberScheduled");
    return ready < updated ? ready : updated;
}

static int ready_of_job(const json_t *live)
{
    return kube_condition(live, "Complete", "True") != NULL;
}

static int wants_of_daemon_set(const json_t *live)
{
    return count(json_object_get(live, "status"), "desiredNumberScheduled");
}

static int wants_one(const json_t *object)
{
    (void) object;
    return 1;
}

/* `wanted` of a DaemonSet is known only once it is observed: -1 until then. */
static const struct workload {
    const char *kind;
    int (*wanted)(const json_t *object);
    int (*ready)(const json_t *live);
    bool by_live, observed;
} workloads[] = {
    {"Deployment", wanted_replicas, ready_of_deployment, false, true},
    {"StatefulSet", wanted_replicas, ready_of_stateful_set, false, true},
    {"DaemonSet", wants_of_daemon_set, ready_of_daemon_set, true, true},
    {"Job", wants_one, ready_of_job, false, false},
};

static const struct workload *find_workload(const json_t *object)
{
    for (size_t i = 0; i < ARRAY_SIZE(workloads); i++)
        if (kube_is_kind(object, workloads[i].kind))
            return &workloads[i];
    return NULL;
}

bool stack_is_workload(const json_t *object)
{
    return find_workload(object) != NULL;
}

/* Pods and their troubles */

bool stack_selects(const json_t *workload, const json_t *labels)
{
    const char *key;
    json_t *value;
    if (kube_is_kind(workload, "Job"))
        return strcmp(json_get_string(labels, "batch.kubernetes.io/job-name", ""),
                      kube_name(workload)) == 0;
    json_t *match = json_object_get(json_object_get(json_object_get(workload, "spec"), "selector"),
                                    "matchLabels");
    json_object_foreach(match, key, value)
        if (strcmp(json_get_string(labels, key, ""), json_string_value(value)) != 0)
            return false;
    return json_object_size(match) > 0;
}

static enum stack_trouble trouble_of_reason(const char *reason)
{
    static const struct {
        const char *reason;
        enum stack_trouble trouble;
    } known[] = {
        {"ErrImagePull", STACK_NO_IMAGE},
        {"ImagePullBackOff", STACK_NO_IMAGE},
        {"ErrImageNeverPull", STACK_NO_IMAGE},
        {"InvalidImageName", STACK_NO_IMAGE},
        {"CreateContainerConfigError", STACK_NO_CONFIG},
        {"CreateContainerError", STACK_NO_CONFIG},
        {"CrashLoopBackOff", STACK_CRASHES},
        {"RunContainerError", STACK_CRASHES},
        {"StartError", STACK_CRASHES},
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (strcmp(known[i].reason, reason) == 0)
            return known[i].trouble;
    return STACK_NO_TROUBLE;
}

static void note_trouble(const struct judging *j, enum stack_trouble trouble, const json_t *pod,
                         const char *container, const char *reason)
{
    struct stack_progress *p = j->out;
    if (trouble <= p->trouble)
        return;
    p->trouble = trouble;
    (void) snprintf(p->space, sizeof(p->space), "%s", stack_namespace_of(pod, ""));
    (void) snprintf(p->pod, sizeof(p->pod), "%s", kube_name(pod));
    (void) snprintf(p->container, sizeof(p->container), "%s", container);
    (void) snprintf(p->reason, sizeof(p->reason), "%s", reason);
}

static void note_crash(const struct judging *j, const json_t *pod, const char *container)
{
    STRBUF(why, sizeof(j->out->reason));
    pod_trouble(pod, &why);
    note_trouble(j, STACK_CRASHES, pod, container, why.data);
}

static void judge_container(const struct judging *j, const json_t *pod, const json_t *status)
{
    const json_t *state = json_object_get(status, "state");
    const json_t *waiting = json_object_get(state, "waiting");
    const json_t *ended = json_object_get(state, "terminated");
    const char *name = json_get_string(status, "name", "");
    enum stack_trouble trouble = trouble_of_reason(json_get_string(waiting, "reason", ""));
    if (ended && json_get_int(ended, "exitCode", 0) != 0)
        trouble = STACK_CRASHES;
    if (trouble == STACK_NO_IMAGE)
        note_trouble(j, trouble, pod, name, json_get_string(status, "image", ""));
    else if (trouble == STACK_CRASHES)
        note_crash(j, pod, name);
    else if (trouble)
        note_trouble(j, trouble, pod, name, json_get_string(waiting, "message", "it cannot start"));
    else if (json_object_get(state, "running") && !json_get_bool(status, "ready", true))
        note_trouble(j, STACK_UNREADY, pod, name, "it runs and is not ready");
}

static void judge_pod(const struct judging *j, const json_t *pod)
{
    static const char *const lists[] = {"initContainerStatuses", "containerStatuses"};
    const json_t *status = json_object_get(pod, "status");
    const json_t *unscheduled = kube_condition(pod, "PodScheduled", "False");
    size_t i;
    json_t *c;
    if (unscheduled)
        note_trouble(j, STACK_UNSCHEDULABLE, pod, "",
                     json_get_string(unscheduled, "message", "no node is free for it"));
    for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
        json_array_foreach(json_object_get(status, lists[k]), i, c)
            judge_container(j, pod, c);
}

static void count_restarts(const struct judging *j, const json_t *pod)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(json_object_get(pod, "status"), "containerStatuses"), i, c)
        j->out->restarts += json_get_int(c, "restartCount", 0);
}

static void each_pod(const struct judging *j, const json_t *workload,
                     void (*look)(const struct judging *j, const json_t *pod))
{
    const char *home = stack_namespace_of(workload, j->home);
    size_t i;
    json_t *o;
    json_array_foreach(j->live, i, o)
        if (kube_is_kind(o, "Pod") && strcmp(stack_namespace_of(o, ""), home) == 0 &&
            stack_selects(workload, kube_labels(o)))
            look(j, o);
}

static bool is_unproven(const json_t *workload)
{
    const json_t *spec = kube_spec(kube_template(workload));
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(spec, "containers"), i, c)
        if (!json_object_get(c, "readinessProbe"))
            return true;
    return false;
}

static const json_t *find_live(const struct judging *j, const json_t *wanted)
{
    size_t i;
    json_t *o;
    json_array_foreach(j->live, i, o)
        if (kube_is_kind(o, json_get_string(wanted, "kind", "")) &&
            strcmp(kube_name(o), kube_name(wanted)) == 0 &&
            strcmp(stack_namespace_of(o, ""), stack_namespace_of(wanted, j->home)) == 0)
            return o;
    return NULL;
}

static void judge_workload(const struct judging *j, const struct workload *w, const json_t *object)
{
    const json_t *live = find_live(j, object);
    const json_t *failed = kube_condition(live, "Failed", "True");
    bool seen = live && (!w->observed || is_observed(live));
    int wanted = w->by_live ? (seen ? w->wanted(live) : 1) : w->wanted(object);
    int ready = seen ? w->ready(live) : 0;
    ready = ready < wanted ? ready : wanted;
    j->out->wanted += wanted;
    j->out->ready += ready;
    if (w->observed && is_unproven(object)) {
        j->out->unproven = true;
        each_pod(j, object, count_restarts);
    }
    if (ready == wanted && seen)
        return;
    j->out->done = false;
    if (failed)
        note_trouble(j, STACK_JOB_FAILED, NULL, "",
                     json_get_string(failed, "message", "it failed"));
    each_pod(j, live ? live : object, judge_pod);
}

void stack_judge(const json_t *wanted, const json_t *live, const char *home,
                 struct stack_progress *out)
{
    *out = (struct stack_progress){.done = true};
    const struct judging j = {live, home, out};
    size_t i;
    json_t *object;
    json_array_foreach(wanted, i, object) {
        const struct workload *w = find_workload(object);
        if (w)
            judge_workload(&j, w, object);
    }
}

bool stack_stands(const struct stack_progress *p, struct stack_stand *stand, int64_t now_ms)
{
    if (!p->done)
        stand->since_ms = 0;
    else if (!stand->since_ms || p->restarts != stand->restarts)
        *stand = (struct stack_stand){now_ms, p->restarts};
    return p->done && (!p->unproven || now_ms - stand->since_ms >= STANDS_MS);
}
