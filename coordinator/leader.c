#include "coordinator/leader.h"

#include <errno.h>

enum rank { RANK_SILENT, RANK_ANSWERS, RANK_BEGUN, RANK_MEMBER, RANK_API };

static enum rank rank_of(const struct leader_candidate *c)
{
    return !c->answered ? RANK_SILENT
           : c->api     ? RANK_API
           : c->member  ? RANK_MEMBER
           : c->half    ? RANK_BEGUN
                        : RANK_ANSWERS;
}

static size_t best_of(const struct leader_candidate *hosts, size_t count)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++)
        if (hosts[i].control_plane && !hosts[i].leaves &&
            (best == count || rank_of(&hosts[i]) > rank_of(&hosts[best])))
            best = i;
    return best;
}

static int refuse_silent(const struct leader_candidate *silent, struct error *err)
{
    error_set(
        err, -ENOTUNIQ,
        "it has no cluster yet, and the control plane %s, which may have one, does not answer",
        silent->label);
    (void) error_remedy(err,
                        "bring %s back, so that no second cluster is made; if it never was in one, "
                        "take its line out of hosts.yaml until it is there",
                        silent->label);
    return -ENOTUNIQ;
}

static int refuse_leaving(const struct leader_candidate *leaving, struct error *err)
{
    error_set(err, -ENOTUNIQ, "it is in no cluster, and %s, which has the cluster, is to leave it",
              leaving->label);
    (void) error_remedy(err,
                        "apply once with both of them present: then the new one has joined and the "
                        "old one can leave");
    return -ENOTUNIQ;
}

static int refuse_orphaned(const struct leader_candidate *node, struct error *err)
{
    error_set(err, -ENOTUNIQ,
              "it is in no cluster, and %s is a node of one: none of the control planes in "
              "hosts.yaml has it",
              node->label);
    (void) error_remedy(err,
                        "bring back the host that has that cluster, or `bigtop-bootstrap reset` %s "
                        "if it is gone",
                        node->label);
    return -ENOTUNIQ;
}

/* Whether somebody may make a cluster. begun: he did, it is not known how far he came, and the
 * others may be nodes of that very one. */
static int may_found(const struct leader_candidate *hosts, size_t count, bool begun,
                     struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct leader_candidate *c = &hosts[i];
        if (c->control_plane && !c->answered)
            return refuse_silent(c, err);
        if (c->control_plane && c->member)
            return refuse_leaving(c, err); /* else it would have been chosen */
    }
    for (size_t i = 0; !begun && i < count; i++)
        if (hosts[i].cluster)
            return refuse_orphaned(&hosts[i], err);
    return 0;
}

int leader_choose(const struct leader_candidate *hosts, size_t count, size_t *out,
                  struct error *err)
{
    size_t best = best_of(hosts, count);
    *out = best;
    enum rank rank = rank_of(&hosts[best]);
    return rank == RANK_SILENT || rank >= RANK_MEMBER
               ? 0
               : may_found(hosts, count, rank == RANK_BEGUN, err);
}
