#include "agent/calls.h"

#include "agent/blobs.h"
#include "agent/cluster.h"
#include "agent/data-disks.h"
#include "agent/disk-format.h"
#include "agent/etcd.h"
#include "agent/facts.h"
#include "agent/host-bundle.h"
#include "agent/kubeadm.h"
#include "agent/probe.h"
#include "agent/reach.h"
#include "lib/disk-choice.h"
#include "lib/disks.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static int call_facts(const struct call_context *ctx, const json_t *params, json_t **result,
                      struct error *err)
{
    (void) params;
    reach_listen_end(); /* what an earlier look left listening is not the host's */
    AUTO_JSON *running = jobs_running(ctx->jobs);
    return facts_collect(ctx->ledger, running, result, err);
}

static int check_step(const struct call_context *ctx, const json_t *params,
                      struct strv *differences, struct error *err)
{
    const char *name = NULL;
    json_t *step_params = NULL;
    int r = json_need_string(params, "step", &name, err);
    if (r >= 0)
        r = json_need_object(params, "params", &step_params, err);
    if (r < 0)
        return r;
    const struct step *step = ctx->find_step(name);
    if (!step)
        return error_set(err, -EINVAL, "this agent has no step \"%s\"", name);
    const struct step_context step_ctx = {.ledger = ctx->ledger, .cancel = ctx->cancel};
    r = step->check(&step_ctx, step_params, differences, err);
    return r < 0 ? error_prefix(err, "%s", name) : r;
}

/* A difference may quote what a program said, which need not be UTF-8. */
static json_t *printable(const char *text)
{
    STRBUF(safe, PATH_MAX);
    strbuf_add_printable(&safe, text, strlen(text));
    return json_string(safe.data);
}

static int call_check(const struct call_context *ctx, const json_t *params, json_t **result,
                      struct error *err)
{
    STRV(differences);
    int r = check_step(ctx, params, &differences, err);
    if (r < 0)
        return r;
    json_t *list = json_array();
    for (size_t i = 0; i < differences.count; i++)
        json_array_append_new(list, printable(differences.items[i]));
    *result = json_pack("{s:b, s:o}", "done", r == 1, "differences", list);
    return 0;
}

static int call_have(const struct call_context *ctx, const json_t *params, json_t **result,
                     struct error *err)
{
    (void) ctx;
    json_t *digests = NULL;
    AUTO_JSON *have = json_array();
    int r = json_need_array(params, "digests", &digests, err);
    for (size_t i = 0; r >= 0 && i < json_array_size(digests); i++) {
        const char *digest = json_string_value(json_array_get(digests, i));
        r = blob_have(digest ? digest : "", err);
        if (r == 1)
            json_array_append_new(have, json_string(digest));
    }
    if (r < 0)
        return r;
    *result = json_pack("{s:O}", "have", have);
    return 0;
}

static int call_bundle(const struct call_context *ctx, const json_t *params, json_t **result,
                       struct error *err)
{
    (void) ctx;
    bool changed = false;
    int r = host_bundle_accept(params, &changed, err);
    if (r < 0)
        return r;
    *result = json_pack("{s:b}", "changed", changed);
    return 0;
}

static int call_listen(const struct call_context *ctx, const json_t *params, json_t **result,
                       struct error *err)
{
    (void) ctx;
    return reach_listen(params, result, err);
}

static int call_reach(const struct call_context *ctx, const json_t *params, json_t **result,
                      struct error *err)
{
    (void) ctx;
    return reach_targets(params, result, err);
}

static int call_probe(const struct call_context *ctx, const json_t *params, json_t **result,
                      struct error *err)
{
    return probe_call(params, ctx->cancel, result, err);
}

static int call_kubeconfig(const struct call_context *ctx, const json_t *params, json_t **result,
                           struct error *err)
{
    (void) ctx;
    (void) params;
    AUTO_JSON *access = json_object();
    int r = cluster_need_control_plane(err);
    r = r < 0 ? r : kubeadm_admin_access(access, err);
    if (r == 0)
        *result = json_incref(access);
    return r;
}

static int call_cluster(const struct call_context *ctx, const json_t *params, json_t **result,
                        struct error *err)
{
    (void) ctx;
    return cluster_list(json_get_bool(params, "events", false), result, err);
}

static int call_disks(const struct call_context *ctx, const json_t *params, json_t **result,
                      struct error *err)
{
    const struct disks_context disks = disk_format_context(ctx->ledger);
    const json_t *wanted = json_object_get(params, "wanted");
    json_t *list = NULL;
    int r = wanted ? disk_wishes_check(wanted, err) : 0;
    r = r < 0 ? r : disks_list(&disks, wanted, &list, err);
    if (r == 0)
        *result = json_pack("{s:o, s:o}", "disks", list, "occupied", data_disks_occupied(wanted));
    return r;
}

static int call_etcd(const struct call_context *ctx, const json_t *params, json_t **result,
                     struct error *err)
{
    (void) params;
    AUTO_ETCD_MEMBERS members = ETCD_MEMBERS_INIT;
    int r = cluster_need_control_plane(err);
    r = r < 0 ? r : etcd_members_list(ctx->cancel, &members, err);
    if (r == 0)
        *result = json_pack("{s:o}", "members", etcd_members_json(&members));
    return r;
}

static int call_ledger(const struct call_context *ctx, const json_t *params, json_t **result,
                       struct error *err)
{
    (void) params;
    (void) err;
    *result = json_pack("{s:I, s:o}", "entries", (json_int_t) ledger_count(ctx->ledger), "steps",
                        ledger_steps(ctx->ledger));
    return 0;
}

static const struct call calls[] = {
    {"facts", false, call_facts},     {"check", false, call_check},
    {"have", false, call_have},       {"bundle", true, call_bundle},
    {"listen", false, call_listen},   {"reach", false, call_reach},
    {"cluster", false, call_cluster}, {"kubeconfig", false, call_kubeconfig},
    {"ledger", false, call_ledger},   {"disks", false, call_disks},
    {"probe", false, call_probe},     {"etcd", false, call_etcd},
};

const struct call *call_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        if (strcmp(calls[i].name, name) == 0)
            return &calls[i];
    return NULL;
}
