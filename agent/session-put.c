#include "agent/session-put.h"

#include "agent/blobs.h"
#include "agent/host-bundle.h"
#include "agent/tasks.h"
#include "lib/digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum put_state { PUT_STARTING, PUT_TAKING, PUT_ENDING, PUT_OVER };

/* Hashing what is there and flushing to the disk are slow: both are done in a thread, which owns
 * the blob meanwhile. The session's thread owns everything else. */
struct put {
    struct hub *hub;
    uint64_t serial;
    int64_t id;
    char digest[DIGEST_SIZE];
    uint64_t size, offset;
    enum put_state state;
    bool forgotten; /* the session is gone: whoever has put last frees it */
    struct blob_put *blob;
    struct error err;
};

static void put_free(struct put *p)
{
    blob_put_abort(&p->blob);
    free(p);
}

static void send_to_session(const struct put *p, const char *key, json_t *value, bool last)
{
    struct session *s = session_by_serial(p->hub, p->serial);
    json_t *message = json_pack("{s:I, s:o}", "id", (json_int_t) p->id, key, value);
    if (s)
        session_send(s, message, last);
    else
        json_decref(message);
}

static void put_over(struct put *p)
{
    if (p->err.code < 0)
        send_to_session(p, "error", error_to_json(&p->err), true);
    else
        send_to_session(p, "result", json_object(), true);
    blob_put_abort(&p->blob);
    p->state = PUT_OVER;
}

static void on_ended(void *arg)
{
    struct put *p = arg;
    if (p->forgotten)
        put_free(p);
    else
        put_over(p);
}

static void end_in_thread(void *arg)
{
    struct put *p = arg;
    blob_put_end(&p->blob, &p->err);
    inbox_post(p->hub->inbox, on_ended, p);
}

static void start_thread(struct put *p, enum put_state state, void (*fn)(void *arg))
{
    p->state = state;
    int r = task_start(fn, p);
    if (r >= 0)
        return;
    error_errno(&p->err, r, "start a thread");
    put_over(p);
}

static void on_begun(void *arg)
{
    struct put *p = arg;
    if (p->forgotten) {
        put_free(p);
        return;
    }
    if (p->err.code < 0) {
        put_over(p);
        return;
    }
    send_to_session(p, "ready", json_pack("{s:I}", "offset", (json_int_t) p->offset), false);
    p->state = PUT_TAKING;
    if (blob_put_missing(p->blob) == 0)
        start_thread(p, PUT_ENDING, end_in_thread);
}

static void begin_in_thread(void *arg)
{
    struct put *p = arg;
    if (host_bundle_may_put(p->digest, p->size, &p->err) == 0)
        blob_put_begin(p->digest, p->size, &p->blob, &p->offset, &p->err);
    inbox_post(p->hub->inbox, on_begun, p);
}

int put_start(struct hub *hub, struct put **slot, uint64_t serial, int64_t id, const json_t *params,
              struct error *err)
{
    const char *digest = NULL;
    int64_t size = 0;
    int r = json_need_string(params, "digest", &digest, err);
    if (r >= 0)
        r = json_need_int(params, "size", &size, err);
    if (r < 0)
        return r;
    if (!digest_is_valid(digest) || size < 0)
        return error_set(err, -EINVAL, "put needs a digest of the form sha256:<64 hex> and a size");
    if (*slot && (*slot)->state != PUT_OVER)
        return error_set(err, -EBUSY, "another put of this session is under way");
    put_forget(slot);
    struct put *p = xcalloc(1, sizeof *p);
    *p = (struct put){.hub = hub, .serial = serial, .id = id, .size = (uint64_t) size};
    snprintf(p->digest, sizeof p->digest, "%s", digest);
    *slot = p;
    start_thread(p, PUT_STARTING, begin_in_thread);
    return 0;
}

bool put_bytes(struct put *p, const void *data, size_t len)
{
    if (!p || p->state == PUT_STARTING)
        return false;
    if (p->state != PUT_TAKING)
        return true;
    if (blob_put_data(p->blob, data, len, &p->err) < 0)
        put_over(p);
    else if (blob_put_missing(p->blob) == 0)
        start_thread(p, PUT_ENDING, end_in_thread);
    return true;
}

void put_forget(struct put **slot)
{
    struct put *p = *slot;
    *slot = NULL;
    if (!p)
        return;
    if (p->state == PUT_TAKING || p->state == PUT_OVER)
        put_free(p);
    else
        p->forgotten = true;
}
