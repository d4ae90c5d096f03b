/* A conversation with the agent of one host: connects, pushes the agent when the host does not have
 * it, attaches, calls. A lost link is re-made inside session_call until the call's deadline, and
 * the job goes on (lib/protocol.h, JOBS). Belongs to one thread. */
#pragma once

#include "coordinator/inventory.h"
#include "images/bundle.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>
#include <stdint.h>

struct session;

typedef void (*session_progress_fn)(void *userdata, const char *text, int64_t done, int64_t total);

/* Strings and pointers are borrowed until session_close. */
struct session_options {
    const char *run;         /* 32 hex digits, one for the whole run of the coordinator */
    const char *who;         /* "user@machine", shown to a second coordinator */
    const char *known_hosts;
    bool lock;               /* ask for the host's lock: everything but plan and status */
    bool never_ask;
    session_progress_fn on_progress; /* may be NULL; connection, push, and the calls' progress */
    void *userdata;
    const bool *cancel;      /* may be NULL; true: calls end with -ECANCELED within 300 ms */
};

/* One attempt, without asking twice. host is borrowed until session_close. */
int session_open(const struct host *host, const struct session_options *options,
                 struct session **out, struct error *err);
void session_close(struct session **s);
#define AUTO_SESSION CLEANUP(session_close) struct session

/* Sends the call and waits for its end. params is borrowed; NULL: {}. *result (may be NULL) is the
 * caller's. timeout_ms counts from now and includes re-connecting. Errors of the agent come back as
 * they are; -EPIPE: link lost and not regained; -ETIMEDOUT: no answer in time; -EPROTO: the agent
 * broke the protocol, and this session is not used any more. */
int session_call(struct session *s, const char *call, json_t *params, int timeout_ms,
                 json_t **result, struct error *err);
/* "run" of a step under the job id "<run>/<step>[/<suffix>]" (suffix may be NULL). */
int session_run(struct session *s, const char *step, const char *suffix, json_t *params,
                int timeout_ms, json_t **result, struct error *err);
/* After a reset: waits until the agent has ended the link, which it does when nothing is left of it
 * on the host; a link that is lost counts as ended. -ETIMEDOUT, -ECANCELED. */
int session_await_leaving(struct session *s, int timeout_ms, struct error *err);
/* Sends one blob unless the host has it. *sent (may be NULL) is increased by the bytes that went
 * over the wire. */
int session_put(struct session *s, const char *digest, const struct blob_source *blob,
                int64_t *sent, struct error *err);
/* Keeps the link alive while the caller waits for something else, for ms milliseconds: call it at
 * least each PROTOCOL_PING_MS. A link that is found lost is made again, with one try at a time; it
 * is an error only when that cannot help or was in vain for SESSION_PATIENCE_MS. -ECANCELED. */
#define SESSION_PATIENCE_MS 120000
int session_attend(struct session *s, int ms, struct error *err);

/* A conversation beside the calls. It is begun on every link, and goes on whenever the session
 * waits for anything. */
struct link;
struct session_beside {
    /* Sends the call that begins it (link_call). Its id, or -errno. */
    int64_t (*begin)(void *userdata, struct link *l, struct error *err);
    /* A message that has its id. -EPROTO: the agent broke the protocol. */
    int (*take)(void *userdata, const json_t *message, struct error *err);
    /* Sends something: 1. Nothing to send: 0, and *wait_ms, after which it is asked again at the
     * latest. -errno: the link is no use any more. */
    int (*feed)(void *userdata, struct link *l, int *wait_ms, struct error *err);
    /* The link is gone, and what was under way on it; also when it could not be begun. */
    void (*lost)(void *userdata);
    void *userdata;
};
/* Once a session. Borrowed until session_close; begins with the next wait. */
void session_set_beside(struct session *s, const struct session_beside *beside);
