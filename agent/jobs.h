/* Jobs: steps that change the host. One runs at a time, in a thread of its own, whatever becomes of
 * the session that asked for it; its result is kept and given again to who asks with the same id
 * (lib/protocol.h, JOBS). */
#pragma once

#include "agent/step.h"

#include <stdbool.h>
#include <stdint.h>

#define JOBS_MAX 256       /* known at a time; done ones of former runs are forgotten first */
#define JOB_ID_MAX 255     /* bytes */
#define JOB_PROGRESS_MS 50 /* progress closer than this is dropped */

/* A message for one watcher, from the job's thread: {"id","progress"} or, last, {"id","result"} or
 * {"id","error"}. The message becomes the callee's. */
typedef void (*job_event_fn)(void *userdata, uint64_t session, json_t *message, bool last);

struct jobs;
/* find is step_find, or a table of a test. */
struct jobs *jobs_new(const struct step *(*find)(const char *name), struct ledger *ledger,
                      job_event_fn on_event, void *userdata);
/* Cancels and waits for the running job; what waits in line is not begun any more. */
void jobs_stop(struct jobs *jobs);
/* Stops them where that was not done, then frees: nobody may use them any more. */
void jobs_free(struct jobs **jobs);

struct job_request {
    const char *run, *who; /* of the session */
    const char *job, *step;
    const json_t *params;
    uint64_t session;
    int64_t id; /* of the call */
};
/* Starts the job, waits in line behind the running one, or attaches to the job of that id. After 0
 * exactly one last message comes. -EINVAL: no such step, or an id that is not "<run>/…"; -EEXIST:
 * the id belongs to another step or other params; -ENOBUFS: too many. */
int jobs_run(struct jobs *jobs, const struct job_request *request, struct error *err);
/* No more messages for that session; its jobs go on. */
void jobs_forget_session(struct jobs *jobs, uint64_t session);
bool jobs_busy(struct jobs *jobs);
/* {"job","step","who","since_ms"} of the running one, or NULL. The caller owns it. */
json_t *jobs_running(struct jobs *jobs);
