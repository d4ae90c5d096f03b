/* From a checked host to a Ready node. */
#include "coordinator/addons.h"
#include "coordinator/command.h"
#include "coordinator/program.h"
#include "coordinator/storage.h"
#include "kubeadm/config.h"

#include <errno.h>
#include <string.h>

#define MINUTE_MS (60 * 1000)
#define CHECK_TIMEOUT_MS (2 * MINUTE_MS)
#define RELEASE_TIMEOUT_MS (60 * MINUTE_MS)

static int check_task(struct host_run *h, struct task *t, bool *done, struct error *err)
{
    AUTO_JSON *answer = NULL;
    json_t *params = json_pack("{s:s,s:O}", "step", t->step, "params", t->params);
    int r = run_call(h, "check", params, CHECK_TIMEOUT_MS, &answer, err);
    if (r < 0)
        return r;
    *done = json_get_bool(answer, "done", false);
    size_t i;
    json_t *text;
    json_array_foreach(json_object_get(answer, "differences"), i, text)
        strv_addf(&h->differences, "%s: %s", t->step,
                  json_is_string(text) ? json_string_value(text) : "?");
    return 0;
}

int program_ensure(struct host_run *h, struct task *t, json_t **result, struct error *err)
{
    bool done = false;
    int r = check_task(h, t, &done, err);
    if (r < 0 || done || h->run->read_only)
        return r;
    r = program_fetch(h, &t->blobs, err);
    if (r == 0)
        r = session_run(h->session, t->step, t->suffix, t->params, t->timeout_ms, result, err);
    if (r < 0)
        return r;
    h->changed = true;
    return 1;
}

/* Builds the task of a phase and has it done. */
static int ensure_built(struct host_run *h, int built, struct task *t, struct error *err)
{
    if (built < 0)
        return built;
    int r = program_ensure(h, t, NULL, err);
    return r < 0 ? r : 0;
}

static int phase_host(struct host_run *h, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    return ensure_built(h, params_host(h, &t, err), &t, err);
}

static int phase_unpack(struct host_run *h, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    return ensure_built(h, params_unpack(h, &t, err), &t, err);
}

static int phase_balancer(struct host_run *h, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    return ensure_built(h, params_balancer(h, &t, err), &t, err);
}

static int phase_nfs(struct host_run *h, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    if (storage_nfs_server(h->run->inv) < 0)
        return 0;
    return ensure_built(h, params_nfs(h, &t, err), &t, err);
}

static int phase_runtime(struct host_run *h, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    return ensure_built(h, params_runtime(h, &t, err), &t, err);
}

/* Where our containerd does not run yet, plan has nobody to ask for images. */
static bool has_runtime(const struct facts *f)
{
    const json_t *units = json_object_get(f->json, "units");
    const json_t *containerd = json_object_get(units, KUBEADM_CONTAINERD_UNIT);
    return json_get_bool(containerd, "ours", false) &&
           strcmp(json_get_string(containerd, "active", ""), "active") == 0;
}

static int foresee_import(struct host_run *h, const struct task *t)
{
    size_t i;
    json_t *image;
    json_array_foreach(json_object_get(t->params, "images"), i, image)
        strv_addf(&h->differences, "import: import %s", json_get_string(image, "ref", "?"));
    return 0;
}

static int import(struct host_run *h, enum image_set set, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    int r = params_import(h, set, &t, err);
    if (r == 0 && h->run->read_only && !has_runtime(&h->facts))
        return foresee_import(h, &t);
    return ensure_built(h, r, &t, err);
}

int phase_images(struct host_run *h, struct error *err)
{
    return import(h, IMAGES_OF_KUBEADM, err);
}

static int phase_more_images(struct host_run *h, struct error *err)
{
    return import(h, IMAGES_OF_ADDONS, err);
}

static int phase_kubelet(struct host_run *h, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    return ensure_built(h, params_kubelet(h, &t, err), &t, err);
}

/* Said when it becomes so, as nothing in the cluster says it. */
static void note_storage(struct host_run *h, const char *addon)
{
    if (storage_wants(h->run->inv, addon))
        view_note(h->run->view, h->host,
                  "volumes of %s: the size of a claim is not enforced, and a volume goes with its "
                  "claim (docs/storage.md)",
                  addon);
}

static int apply_addon(struct host_run *h, const struct component *addon, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    int r = params_addon(h, addon, &t, err);
    r = r < 0 ? r : program_ensure(h, &t, NULL, err);
    if (r > 0)
        note_storage(h, addon->name);
    return r < 0 ? error_prefix(err, "%s", addon->name) : 0;
}

int phase_addons(struct host_run *h, struct error *err)
{
    const struct bundle *b = h->run->bundle;
    for (size_t i = 0; i < b->component_count; i++) {
        if (b->components[i].kind != COMPONENT_ADDON || !addons_wants(h->run, &b->components[i]))
            continue;
        if (h->run->read_only && !h->facts.role) { /* there is no cluster yet to ask */
            strv_addf(&h->differences, "addon: apply %s", b->components[i].name);
            continue;
        }
        int r = apply_addon(h, &b->components[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

#define ANY (ROLE_CONTROL_PLANE | ROLE_WORKER)

static const struct phase becomes_node[] = {
    {"connect", ANY, phase_connect},
    {"probe", ANY, phase_probe},
    {"check", ANY, phase_check},
    {"reach", ANY, phase_reach},
    {"clock", ANY, phase_clock},
    {"bundle", ANY, phase_bundle},
    {"firewall", ANY, phase_firewall},
    {"opened", ANY, phase_opened},
    {"offer", ANY, phase_offer},
    {"prepare", ANY, phase_host},
    {"disks", ANY, phase_disks},
    {"probe disks", ANY, phase_probe_disks},
    {"unpack", ANY, phase_unpack},
    {"balancer", ANY, phase_balancer},
    {"nfs", ANY, phase_nfs},
    {"runtime", ANY, phase_runtime},
    {"kubelet", ANY, phase_kubelet},
    {"images", ANY, phase_images},
    {"init", PHASE_LEADER, phase_init},
    {"more images", ANY, phase_more_images},
    {"addons", PHASE_LEADER, phase_addons},
    {"join", PHASE_FOLLOWER, phase_join},
    {"settle", PHASE_LEADER, phase_settle},
    {"network", PHASE_LEADER, phase_network},
    {"distribute", ANY, phase_distributed},
    {NULL, 0, NULL},
};

static int phase_leave(struct host_run *h, struct error *err)
{
    AUTO_TASK t = {.step = "reset", .timeout_ms = 10 * MINUTE_MS};
    int r = run_wait(h, &h->released, RELEASE_TIMEOUT_MS, err);
    if (r < 0) {
        h->consequence = true;
        return r;
    }
    t.params = json_pack("{s:[]}", "delete_volumes");
    r = program_ensure(h, &t, NULL, err);
    if (r > 0)
        r = session_await_leaving(h->session, MINUTE_MS, err);
    /* It had left before: only the agent, which came to look, went again. */
    if (!h->facts.role && !facts_half_done(&h->facts))
        h->changed = false;
    return r;
}

static const struct phase leaves[] = {
    {"connect", ANY, phase_connect},
    {"wait", ANY, phase_pass_gates},
    {"reset", ANY, phase_leave},
    {NULL, 0, NULL},
};

const struct phase *program_apply(const struct host_run *h)
{
    return h->host->state == STATE_ABSENT ? leaves : becomes_node;
}
