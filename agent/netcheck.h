/* What step netcheck tries, and what it says of the outcome; all of it pure. One pod a node (two on
 * a single one) runs /netcheck serve (images/netcheck/netcheck.c); each is told to probe others.
 *
 * Sources: core/v1, networking.k8s.io/v1; the "restricted" Pod Security Standard. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>

#define NETCHECK_NAMESPACE "bigtop-netcheck"
#define NETCHECK_SERVICE "netcheck"
#define NETCHECK_POLICY "deny-ingress"
#define NETCHECK_PORT 10471       /* of the pods, TCP and UDP */
#define NETCHECK_PORT_TEXT "10471"
#define NETCHECK_NODES_MAX 512
#define NETCHECK_SPACES_MAX 8
#define NETCHECK_TARGETS_MAX 500 /* of one pod: what its program takes, and room for the service */
#define NETCHECK_VXLAN_BYTES 50   /* what VXLAN adds to a packet of a pod */
#define NETCHECK_ANSWER_MAX (256 * 1024) /* bytes of a pod's answers */

struct netcheck_pair {
    size_t from, to; /* indexes of points */
};

struct netcheck_plan {
    const char *image, *domain, *network; /* borrowed from the parameters */
    int64_t slice;
    bool policy;
    const char *nodes[NETCHECK_NODES_MAX]; /* where each point's pod runs; borrowed */
    const char *spaces[NETCHECK_SPACES_MAX]; /* namespaces of the network addon */
    size_t count, space_count;
    struct netcheck_pair *pairs; /* sorted by from */
    size_t pair_count;
};
/* Checks the parameters of step netcheck. -EINVAL. */
int netcheck_plan_read(const json_t *params, struct netcheck_plan *out, struct error *err);
void netcheck_plan_release(struct netcheck_plan *p);
#define AUTO_NETCHECK_PLAN CLEANUP(netcheck_plan_release) struct netcheck_plan
/* Where the policy is tried: to each node from one other. */
void netcheck_plan_ring(const struct netcheck_plan *p, struct netcheck_plan *out);

/* "p7": the pod of a point. */
void netcheck_pod_name(size_t point, char out[16]);
/* Namespace, service account, service (to the first pod) and pods. The caller owns both. */
json_t *netcheck_manifest(const struct netcheck_plan *p);
json_t *netcheck_policy_manifest(void);

/* Where pods and service are, once all of them run. */
struct netcheck_addresses {
    char pods[NETCHECK_NODES_MAX][16]; /* IPv4; "": not yet */
    char service[16];
};
/* Takes addresses from a list of the namespace's pods and service. 1: all are there; 0: not yet,
 * *waiting (the caller frees) says what for; -EHOSTUNREACH: one will never run. */
int netcheck_addresses_read(const struct netcheck_plan *p, const json_t *list,
                            struct netcheck_addresses *out, char **waiting, struct error *err);
/* The newest warning about a point's pod in a list of events, or NULL. Borrowed. */
const char *netcheck_event(const json_t *list, size_t point);

/* What came of one path. */
struct netcheck_path {
    bool tcp;
    int passed, lost; /* bytes of the largest packet that came back and the smallest that did not;
                         0: none */
    char said[64];    /* by the kernel, where nothing came */
};
enum netcheck_fault {
    NETCHECK_FINE,
    NETCHECK_DEAD,    /* nothing passes */
    NETCHECK_NO_TCP,
    NETCHECK_NO_UDP,
    NETCHECK_SMALL,   /* large packets are lost */
    NETCHECK_SERVICE_DEAD, /* pods are reached, the service is not */
    NETCHECK_NO_NAMES,
    NETCHECK_FLOWS,   /* though the policy denies it */
};
struct netcheck_failure {
    size_t from, to;
    enum netcheck_fault fault;
    struct netcheck_path path;
};
struct netcheck_failures {
    struct netcheck_failure *items;
    size_t count;
};
void netcheck_failures_release(struct netcheck_failures *f);
#define AUTO_NETCHECK_FAILURES CLEANUP(netcheck_failures_release) struct netcheck_failures

/* What is asked of a pod: its pairs, the service and its name; its pairs alone; or its pairs while
 * the policy denies them. */
enum netcheck_question_kind { NETCHECK_ALL, NETCHECK_PAIRS, NETCHECK_DENIED };
/* The words behind "/netcheck probe" for the pod that the pairs from `first` on begin at. */
void netcheck_question(const struct netcheck_plan *p, const struct netcheck_addresses *a,
                       size_t first, enum netcheck_question_kind kind, struct strv *words);
/* How many of the pairs from `first` on have the same origin. */
size_t netcheck_run_length(const struct netcheck_plan *p, size_t first);
/* Reads the answer to that question and adds what failed; denied: what flows. -EPROTO: not such an
 * answer. */
int netcheck_answer_read(const struct netcheck_plan *p, const struct netcheck_addresses *a,
                         size_t first, enum netcheck_question_kind kind, const char *text,
                         struct netcheck_failures *out, struct error *err);

/* Names the pairs, what was tried, the cause and the remedy. -EHOSTUNREACH; -EMSGSIZE: it is only
 * large packets that are lost. */
int netcheck_words(const struct netcheck_plan *p, const struct netcheck_failures *f,
                   struct error *err);

/* {"network":…,"nodes":{NAME:UID,…}}: that these nodes, of a list of Nodes, have been tried with
 * this network; -ENOENT when one is not in the list. The caller owns *out. */
int netcheck_record(const struct netcheck_plan *p, const json_t *nodes, json_t **out,
                    struct error *err);
/* True when the former record says so of everything in `record`. */
bool netcheck_is_covered(const json_t *former, const json_t *record);
