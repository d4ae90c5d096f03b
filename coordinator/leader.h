/* Who leads a run: the control plane that makes the cluster, or acts for it. Pure: what is known of
 * the hosts in, a choice out. A cluster that may be there already is never given a second one. */
#pragma once

#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>

/* What is known of a host once all of them have answered or failed. */
struct leader_candidate {
    const char *label;
    bool control_plane; /* hosts.yaml says so, or it was one when it was last applied */
    bool leaves;        /* it is to be taken out of the cluster */
    bool answered;      /* its facts are here, and it has not failed since */
    bool member;        /* a control plane of a cluster of ours already */
    bool api;           /* and its API server answers */
    bool half;          /* an earlier run began to make it a node */
    const char *cluster; /* the CA hash of the cluster that it is a node of; NULL: none */
};

/* In this order of preference, and among equals that of hosts.yaml: a member whose API answers, any
 * member, one that an earlier run began with, one that answers, one that does not (and failed then:
 * its own error is the run's). *out is its index; there must be a control plane that stays.
 * -ENOTUNIQ, with *out set: it would make a cluster, and there may be one already; err says whose,
 * and the remedy. */
int leader_choose(const struct leader_candidate *hosts, size_t count, size_t *out,
                  struct error *err);
