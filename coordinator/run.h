/* One run of the coordinator over all hosts: what the threads share. One thread per host walks the
 * program of its mode (program-*.c) in straight-line code; where a host needs another one's result
 * it awaits a latch. A host that fails fails its latches, so nobody waits for the dead. */
#pragma once

#include "coordinator/applied-hosts.h"
#include "coordinator/applied.h"
#include "coordinator/consent.h"
#include "coordinator/distribution.h"
#include "coordinator/facts.h"
#include "coordinator/feed.h"
#include "coordinator/inventory.h"
#include "coordinator/latch.h"
#include "coordinator/session.h"
#include "coordinator/view.h"
#include "images/bundle.h"
#include "lib/error.h"
#include "lib/strv.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run;
struct stack_work; /* coordinator/stack-work.h */

struct host_run {
    struct run *run;
    size_t index; /* in the inventory */
    const struct host *host;
    struct session *session;
    struct feed *feed; /* NULL: gets no blobs */
    struct facts facts;
    const char *phase;       /* under way, or the one that failed */
    struct error error;      /* code 0: none; of other hosts by run_failed() only */
    bool refused;            /* error is a refusal for safety: nobody changes anything */
    bool consequence;        /* error only follows from another host's */
    bool arrived[4];         /* at the gates below */
    bool changed;            /* something was done */
    bool removed;            /* it leaves, and the cluster has nothing of it any more */
    struct strv differences; /* plan: what would be done */
    int64_t sent;            /* bytes of blobs */
    void (*farewell)(struct host_run *h); /* NULL: none; what is due even if it fails */
    bool listens, echoes; /* valid once `listening` is open: its ports, and VXLAN's, answer */
    json_t *shut; /* array of targets that a firewall shuts which will be opened; NULL: none */
    struct latch listening, opened, joined, released; /* opened: and it listens again */
    struct latch cleared; /* it failed to join as a control plane, and etcd has nothing of it */
    char *latch_names[5];
};

/* A gate: opened when every host has arrived or failed. */
struct gate {
    size_t missing;
    struct latch latch;
};
/* The last two only where a firewall shut anything: it is open now, and it was tried. */
enum { GATE_PROBED, GATE_CHECKED, GATE_OPENED, GATE_TRIED };

struct run {
    const struct inventory *inv;
    const struct bundle *bundle;      /* NULL where the mode needs none */
    const struct stack_work *stack;   /* of hosts.yaml's `profile`; NULL: there is none */
    int64_t serial;                   /* that the user named; 0: none */
    struct applied *applied;          /* is told when hosts accept the bundle; NULL with it */
    const struct trusted_keys *named; /* keys, by the user */
    struct applied_hosts *known; /* is told which hosts are about to be applied; NULL: nobody is */
    struct view *view;
    char id[33];
    char *who;
    bool read_only; /* look, check, and collect differences; change nothing, take no lock */
    bool headless;  /* hosts can do their part without the control plane */
    struct strv delete_volumes; /* reset */
    struct host_run *hosts;     /* one per host of inv, same order */
    pthread_mutex_t mutex;      /* for gates, refused, accepted, the hosts' errors,
                                   `distribution`, token */
    struct gate gates[4];
    struct latch all_checked; /* the second gate's hosts are there; consent is asked for then */
    struct consent consent;   /* filled before that gate, by whoever needs it */
    bool refused;
    bool shut;               /* a host has `shut`; settled at the second gate */
    bool not_agreed;         /* the user said no, or could not be asked */
    struct host_run *leader; /* run_control_plane; chosen once, when the gate `probed` opens */
    const char *network;     /* addons_network; NULL before that; borrowed of inv or facts */
    struct error leaderless; /* code 0, or why it may not lead (coordinator/leader.h) */
    bool accepted;           /* and `applied` knows it */
    struct distribution *distribution; /* NULL: no blobs are sent */

    /* The leader's results, valid once `api` is open. */
    struct latch api;
    char *token; /* secret, for hosts that join in this run; remade while they do; may be NULL */
    int64_t token_made_ms;
    /* Secret, for control planes that join in this run; may be NULL. Kept to the end: one that took
     * too long for the leader may still read it. */
    char *certificate_key;
    char *ca_hash;
    char *kubeconfig;       /* secret; NULL when nothing asked for it */
    bool kubeconfig_wanted; /* also when no host joins */
    json_t *cluster;        /* what the control plane last said of nodes and pods; may be NULL */
    json_t *etcd;           /* and of etcd; may be NULL */
};

/* Beside the enum host_role bits: the leader, or everybody else. Known past the gate `probed`. */
enum { PHASE_LEADER = 4, PHASE_FOLLOWER = 8 };

/* One phase of a program: a name for the user, who does it, and the work. Returns 0 or -errno. */
struct phase {
    const char *name;
    unsigned roles; /* any of these bits */
    int (*work)(struct host_run *h, struct error *err);
};

int run_init(struct run *run, const struct inventory *inv, const struct bundle *bundle,
             struct view *view, struct error *err);
void run_release(struct run *run);
/* Walks a program (choose gives each host its own; it ends with a NULL name) on every host, a
 * thread each; returns an enum exit_code and has reported every error through the view. */
int run_program(struct run *run, const struct phase *(*choose)(const struct host_run *h));

/* The control plane that leads; before the gate `probed` the first one in hosts.yaml that stays. */
struct host_run *run_control_plane(struct run *run);
/* A copy of run->token, or NULL; secret_free() it. */
char *run_token(struct run *run);
/* Takes the token over. */
void run_set_token(struct run *run, char *token);
/* Says that the host has come to the gate and waits for the others; -ECANCELED when a refusal or
 * the control plane's failure makes going on pointless. */
int run_pass_gate(struct host_run *h, int gate, struct error *err);
/* Says that the others need not wait for this host at that gate. */
void run_arrive(struct host_run *h, int gate);
/* latch_wait that keeps the host's session alive and says on its line what it waits for. */
int run_wait(struct host_run *h, struct latch *latch, int timeout_ms, struct error *err);
/* Sleeps, and keeps the host's session alive and fed. */
void run_pause(struct host_run *h, int ms);
/* Whether this host has failed so far; from any thread. */
bool run_failed(const struct host_run *h);
/* This host has accepted the bundle: the first one's word is kept in run->applied. */
int run_accepted(struct run *run, struct error *err);
/* Sets h->refused and returns err->code. */
int run_refuse(struct host_run *h, struct error *err);
/* A call whose params are dropped afterwards. */
int run_call(struct host_run *h, const char *call, json_t *params, int timeout_ms, json_t **result,
             struct error *err);
