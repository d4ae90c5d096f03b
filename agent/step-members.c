#include "agent/cluster.h"
#include "agent/etcd.h"
#include "agent/step.h"

static bool is_joining(const struct etcd_members *members, const struct etcd_member *e,
                       const json_t *params)
{
    size_t i;
    json_t *host;
    json_array_foreach(json_object_get(params, "joining"), i, host) {
        if (etcd_member_of(members, json_get_string(host, "node", ""),
                           json_get_string(host, "address", NULL)) == e) {
            return true;
        }
    }
    return false;
}

/* Nobody joins while this is asked: a learner, or a member that never started, is what an attempt
 * left behind that was cut off, and so is a voter whose host is about to join. */
static bool is_stale(const struct etcd_members *members, const struct etcd_member *e,
                     const json_t *params)
{
    return e->learner || !e->started || is_joining(members, e, params);
}

static int list(const struct step_context *ctx, const json_t *params, struct etcd_members *out,
                struct error *err)
{
    json_t *joining;
    int r = json_need_array(params, "joining", &joining, err);
    r = r < 0 ? r : cluster_need_control_plane(err);
    return r < 0 ? r : etcd_members_list(ctx->cancel, out, err);
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    AUTO_ETCD_MEMBERS members = ETCD_MEMBERS_INIT;
    size_t before = differences->count;
    int r = list(ctx, params, &members, err);
    for (size_t i = 0; r == 0 && i < members.count; i++) {
        const struct etcd_member *e = &members.items[i];
        if (is_stale(&members, e, params)) {
            strv_addf(differences, "remove the etcd member that an unfinished join left (%s)",
                      *e->name ? e->name : e->peer);
        }
    }
    return r < 0 ? r : differences->count == before;
}

/* One at a time, and looked at anew after each: who may go depends on who is there. */
static int remove_next(const struct step_context *ctx, const json_t *params, struct error *err)
{
    AUTO_ETCD_MEMBERS members = ETCD_MEMBERS_INIT;
    int r = list(ctx, params, &members, err);
    for (size_t i = 0; r == 0 && i < members.count; i++) {
        const struct etcd_member *e = &members.items[i];
        if (!is_stale(&members, e, params)) {
            continue;
        }
        step_progress(ctx, 0, 0, "removing the etcd member that an unfinished join left");
        r = etcd_may_remove(&members, e, err);
        r = r < 0 ? r : etcd_member_remove(e, ctx->cancel, err);
        return r < 0 ? r : 1;
    }
    return r;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    int r;
    do {
        r = remove_next(ctx, params, err);
    } while (r > 0);
    return r;
}

const struct step step_members = {.name = "members", .check = check, .apply = apply};
