/* The members of the cluster's etcd, asked on a control plane through etcdctl and the member that
 * runs there. Nothing here touches etcd's data. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"
#include "lib/process.h"

#include <stdbool.h>
#include <stddef.h>

#define PROGRAM_ETCDCTL "/usr/local/bin/etcdctl"
#define ETCD_DATA "/var/lib/etcd/member" /* the folder above it may be a disk's mount point */
#define ETCD_MANIFEST "/etc/kubernetes/manifests/etcd.yaml"

#define ETCD_MEMBERS_MAX 64
#define ETCD_ID_SIZE 17 /* hex digits of 64 bits, and a NUL */

struct etcd_member {
    char id[ETCD_ID_SIZE];
    char *name;           /* the node's; "" until it has started */
    char *peer, *client;  /* URLs; client is "" until it has started */
    bool started, learner;
    bool healthy; /* a voter that answers requests which need the others' consent */
    bool leader;
};

struct etcd_members {
    struct etcd_member items[ETCD_MEMBERS_MAX];
    size_t count;
};
#define ETCD_MEMBERS_INIT ((struct etcd_members){.count = 0})
void etcd_members_release(struct etcd_members *m);
#define AUTO_ETCD_MEMBERS CLEANUP(etcd_members_release) struct etcd_members

/* Fills `out` with the members and asks each how it is. cancel may be NULL. -ENOENT: no etcdctl or
 * no etcd on this host; -EREMOTEIO: it does not answer. */
int etcd_members_list(const bool *cancel, struct etcd_members *out, struct error *err);
/* The member of a node: by its name, or by the address in its peer URL while it has no name
 * (address may be NULL). NULL: none. */
const struct etcd_member *etcd_member_of(const struct etcd_members *m, const char *node,
                                         const char *address);
/* Whether the others could go on without these: a majority of the voters that would be left must be
 * healthy. Learners and members that never started count for nothing. -EBUSY, with numbers and a
 * remedy. Pure. */
int etcd_may_remove(const struct etcd_members *m, const struct etcd_member *member,
                    struct error *err);
int etcd_member_remove(const struct etcd_member *member, const bool *cancel, struct error *err);

/* `etcdctl member list` as plain text ("id, status, name, peers, clients, learner" a line) into
 * out. -EPROTO. Pure. */
int etcd_members_parse(const char *text, struct etcd_members *out, struct error *err);
/* `etcdctl endpoint health -w json`: which of them are healthy. Pure. */
void etcd_members_take_health(struct etcd_members *m, const json_t *health);
/* `etcdctl endpoint status -w fields` of any of them: which one leads. Pure. */
void etcd_members_take_leader(struct etcd_members *m, const char *status);
/* As in the result of the call "etcd" (lib/protocol.h); the caller owns it. */
json_t *etcd_members_json(const struct etcd_members *m);
