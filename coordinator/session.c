#include "coordinator/session.h"

#include "coordinator/link.h"
#include "lib/clock.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/protocol.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define NO_CALL (-1) /* the id of none */
#define BACKOFF_FIRST_MS 300
#define BACKOFF_MAX_MS 5000
#define SLICE_MS 200
#define PUT_READY_MS 60000
#define PUT_SETTLE_MS 600000 /* the agent syncs what it got: 500 MB on an SD card */
#define PROGRESS_MS 100
#define SUDO_PASSWORD_MAX 1024

struct session {
    const struct host *host;
    struct session_options options;
    struct link *link;                   /* NULL: lost, made again by the next call */
    const struct session_beside *beside; /* NULL: none */
    bool beside_begun;                   /* on this link */
    int64_t lost_ms, next_try_ms;        /* for session_attend, when the link is lost */
    int backoff_ms;
    struct strbuf sudo_password;
    bool broken; /* the agent broke the protocol: why is in `failure` */
    struct error failure;
};

/* What a call is answered with; each may be NULL. */
struct answer {
    json_t **result;
    int64_t *ready_offset; /* of a put: its "ready" also ends the wait */
};

static bool cancelled(const struct session *s)
{
    return s->options.cancel && *s->options.cancel;
}

static void progress(const struct session *s, const char *text, int64_t done, int64_t total)
{
    if (s->options.on_progress)
        s->options.on_progress(s->options.userdata, text, done, total);
}

static void drop_link(struct session *s)
{
    if (s->beside)
        s->beside->lost(s->beside->userdata);
    s->beside_begun = false;
    s->lost_ms = s->next_try_ms = clock_monotonic_ms();
    s->backoff_ms = BACKOFF_FIRST_MS;
    link_close(&s->link);
}

static int make_link(struct session *s, int timeout_ms, struct error *err)
{
    return link_open(s->host, &s->options, &s->sudo_password, timeout_ms, &s->link, err);
}

int session_open(const struct host *host, const struct session_options *options,
                 struct session **out, struct error *err)
{
    CLEANUP(session_close) struct session *s = xcalloc(1, sizeof(*s));

    s->host = host;
    s->options = *options;
    strbuf_init(&s->sudo_password, SUDO_PASSWORD_MAX);
    progress(s, "connecting", 0, 0);
    int r = make_link(s, INT32_MAX, err);
    if (r == 0)
        *out = TAKE_PTR(s);
    return r;
}

void session_close(struct session **s)
{
    struct session *session = *s;

    *s = NULL;
    if (!session)
        return;
    drop_link(session);
    strbuf_release_secret(&session->sudo_password);
    free(session);
}

static int begin_beside(struct session *s, struct error *err)
{
    if (!s->beside || s->beside_begun)
        return 0;
    /* Also when it fails half-way: then it has to hear that this link is lost. */
    s->beside_begun = true;
    return link_begin_beside(s->link, s->beside, err);
}

/* What another try may heal: the network, a host that restarts. The rest needs a person. */
static bool is_passing(int code)
{
    static const int passing[] = {-EPIPE,        -ETIMEDOUT,    -ECONNREFUSED, -ECONNRESET,
                                  -EHOSTUNREACH, -ENETUNREACH,  -ENETDOWN,     -EHOSTDOWN,
                                  -ECONNABORTED, -EADDRNOTAVAIL};

    for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
        if (code == passing[i])
            return true;
    return false;
}

static int pause_for(const struct session *s, int ms, int64_t deadline)
{
    int64_t until = clock_monotonic_ms() + ms;

    while (clock_left_ms(until) > 0 && clock_left_ms(deadline) > 0) {
        if (cancelled(s))
            return -ECANCELED;
        int left = clock_left_ms(until);
        (void) poll(NULL, 0, left < SLICE_MS ? left : SLICE_MS);
    }
    return 0;
}

/* Makes the link again when it was lost, until the deadline. */
static int ensure_link(struct session *s, int64_t deadline, struct error *err)
{
    int wait = BACKOFF_FIRST_MS;
    struct error last = ERROR_INIT;

    while (!s->link) {
        struct error now = ERROR_INIT;
        progress(s, "connection lost, connecting again", 0, 0);
        int r = make_link(s, clock_left_ms(deadline), &now);
        if (r == 0)
            return 0;
        /* That the last try ran out of time says less than how the one before failed. */
        if (r != -ETIMEDOUT || last.code == 0)
            last = now;
        if (r == -ECANCELED || pause_for(s, wait, deadline) < 0)
            return error_set(err, -ECANCELED, "%s: interrupted", s->host->address);
        if (!is_passing(r)) {
            error_set(err, r, "%s", last.text);
            return error_remedy(err, "%s", last.remedy);
        }
        if (clock_left_ms(deadline) == 0) {
            error_set(err, -EPIPE, "the link to %s was lost and did not come back: %s",
                      s->host->address, last.text);
            return error_remedy(err, "%s", last.remedy);
        }
        wait = wait * 2 < BACKOFF_MAX_MS ? wait * 2 : BACKOFF_MAX_MS;
    }
    return 0;
}

/* After link_*() failed: 0 when the call is to be tried on a new link, else the final error. */
static int after_failure(struct session *s, int code, struct error *err)
{
    if (code == -E2BIG || code == -ECANCELED)
        return code;
    drop_link(s);
    if (code != -EPROTO)
        return 0;
    s->broken = true;
    if (err)
        s->failure = *err;
    return code;
}

static int usable(const struct session *s, struct error *err)
{
    if (s->broken) {
        error_set(err, -EPROTO, "%s", s->failure.text);
        return -EPROTO;
    }
    return cancelled(s) ? error_set(err, -ECANCELED, "%s: interrupted", s->host->address) : 0;
}

/* 1 when the message ends the wait (*end is what the call gives), 0 for progress. */
static int handle(const struct session *s, json_t *message, const struct answer *want, int *end,
                  struct error *err)
{
    json_t *result = json_object_get(message, "result");
    json_t *failure = json_object_get(message, "error");
    json_t *ready = json_object_get(message, "ready");

    *end = 0;
    if (failure) {
        struct error theirs = ERROR_INIT;
        error_from_json(failure, &theirs);
        *end = theirs.code < 0 ? theirs.code : -EIO;
        if (err)
            *err = theirs;
    } else if (result) {
        if (want->result)
            *want->result = json_incref(result);
    } else if (ready && want->ready_offset) {
        *want->ready_offset = json_get_int(ready, "offset", -1);
    } else {
        link_tell_progress(&s->options, json_object_get(message, "progress"));
        return 0;
    }
    return 1;
}

/* 1: the call is over, *end is what it gave. -errno: of the link; -EAGAIN: the deadline came. */
static int await_end(struct session *s, int64_t id, int64_t deadline, const struct answer *want,
                     int *end, struct error *err)
{
    for (;;) {
        AUTO_JSON *message = NULL;
        int r = link_receive(s->link, id, deadline, &message, err);
        if (r < 0)
            return r;
        if (handle(s, message, want, end, err))
            return 1;
        if (clock_left_ms(deadline) == 0)
            return -EAGAIN;
    }
}

int session_call(struct session *s, const char *call, json_t *params, int timeout_ms,
                 json_t **result, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    struct answer want = {.result = result};
    int r = usable(s, err), end = 0;

    while (r == 0) {
        r = ensure_link(s, deadline, err);
        if (r < 0)
            return r;
        int64_t id = begin_beside(s, err);
        if (id == 0)
            id = link_call(s->link, call, params, err);
        r = id < 0 ? (int) id : await_end(s, id, deadline, &want, &end, err);
        if (r > 0)
            return end;
        if (r == -EAGAIN)
            return error_set(err, -ETIMEDOUT, "%s did not finish \"%s\" in %d s", s->host->address,
                             call, timeout_ms / 1000);
        r = after_failure(s, r, err);
    }
    return r;
}

int session_run(struct session *s, const char *step, const char *suffix, json_t *params,
                int timeout_ms, json_t **result, struct error *err)
{
    AUTO_FREE char *job = xasprintf("%s/%s%s%s", s->options.run, step, suffix ? "/" : "",
                                    suffix ? suffix : "");
    AUTO_JSON *call = json_pack("{s:s, s:s, s:o}", "job", job, "step", step, "params",
                                params ? json_incref(params) : json_object());

    return session_call(s, "run", call, timeout_ms, result, err);
}

int session_await_leaving(struct session *s, int timeout_ms, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;

    while (s->link) {
        AUTO_JSON *message = NULL;
        int r = link_receive(s->link, NO_CALL, deadline, &message, NULL);
        if (r == -ECANCELED)
            return error_set(err, r, "%s: interrupted", s->host->address);
        if (r == -EAGAIN) {
            error_set(err, -ETIMEDOUT, "the agent on %s has undone everything and does not leave",
                      s->host->address);
            return error_remedy(err,
                                "look at `journalctl -u " AGENT_UNIT "` there, then run again");
        }
        if (r < 0)
            drop_link(s);
    }
    return 0;
}

void session_set_beside(struct session *s, const struct session_beside *beside)
{
    s->beside = beside;
}

/* One try at a time, so that the caller can look after other things. */
static int try_link(struct session *s, int ms, struct error *err)
{
    struct error why = ERROR_INIT;

    if (clock_left_ms(s->next_try_ms) > 0)
        return pause_for(s, ms, INT64_MAX);
    progress(s, "connection lost, connecting again", 0, 0);
    int r = make_link(s, INT32_MAX, &why);
    if (r == 0)
        return 0;
    s->next_try_ms = clock_monotonic_ms() + s->backoff_ms;
    s->backoff_ms = s->backoff_ms * 2 < BACKOFF_MAX_MS ? s->backoff_ms * 2 : BACKOFF_MAX_MS;
    if (is_passing(r) && clock_monotonic_ms() - s->lost_ms < SESSION_PATIENCE_MS)
        return 0;
    if (err)
        *err = why;
    return r;
}

int session_attend(struct session *s, int ms, struct error *err)
{
    AUTO_JSON *message = NULL;
    int r = usable(s, err);

    if (r == 0 && !s->link)
        r = try_link(s, ms, err);
    if (r < 0 || !s->link)
        return r;
    r = begin_beside(s, err);
    if (r == 0)
        r = link_receive(s->link, NO_CALL, clock_monotonic_ms() + ms, &message, err);
    return r == -EAGAIN || r == 0 ? 0 : after_failure(s, r, err);
}

/* --- put --- */

struct put {
    struct session *s;
    const char *digest;
    const struct blob_source *blob;
    uint64_t size;
    int64_t *sent;
    int64_t id;
    int64_t deadline; /* for the link to come back; moves on with what arrives */
    int64_t next_report;
    uint64_t offset; /* where the agent let us begin */
    bool streaming;  /* bytes went out for it on this link */
    bool lost;       /* a link was lost on the way */
    bool restarted;  /* the agent threw its part away */
};

static void report_put(struct put *p, uint64_t done)
{
    int64_t now = clock_monotonic_ms();

    if (now < p->next_report && done < p->size)
        return;
    p->next_report = now + PROGRESS_MS;
    progress(p->s, "sending", (int64_t) done, (int64_t) p->size);
}

/* Looks without waiting whether the agent ended the put early. */
static int peek_end(struct put *p, int *end, struct error *err)
{
    struct answer nothing = {0};
    int r = await_end(p->s, p->id, 0, &nothing, end, err);

    return r == -EAGAIN ? 0 : r;
}

/* 0: all of it went out. 1: the agent ended it (*end). -errno: of the link; -ENODATA, -EIO: of the
 * file, and the link is no use any more. */
static int stream(struct put *p, uint64_t offset, int *end, struct error *err)
{
    /* Hundreds of hosts get the bundle's small list at once. */
    uint64_t left = p->size - offset;
    size_t most = left < PROTOCOL_BYTES_CHUNK ? (size_t) left : (size_t) PROTOCOL_BYTES_CHUNK;
    AUTO_FREE unsigned char *buffer = xcalloc(1, PROTOCOL_HEADER + most);
    unsigned char *data = buffer + PROTOCOL_HEADER;

    for (; left > 0; left = p->size - offset) {
        size_t want = left < most ? (size_t) left : most;
        int r = blob_source_read(p->blob, offset, data, want, err);
        if (r < 0)
            return r;
        r = link_send_bytes(p->s->link, data, want, err);
        if (r == 0)
            r = peek_end(p, end, err);
        if (r != 0)
            return r;
        offset += want;
        if (p->sent)
            *p->sent += (int64_t) want;
        p->deadline = clock_monotonic_ms() + SESSION_PATIENCE_MS;
        report_put(p, offset);
    }
    return 0;
}

/* On the link that is there. Returns as stream(). */
static int put_once(struct put *p, int *end, struct error *err)
{
    int64_t offset = -1;
    struct answer want = {.ready_offset = &offset};
    AUTO_JSON *params = json_pack("{s:s, s:I}", "digest", p->digest, "size", (json_int_t) p->size);

    p->id = link_call(p->s->link, "put", params, err);
    if (p->id < 0)
        return (int) p->id;
    int r = await_end(p->s, p->id, clock_monotonic_ms() + PUT_READY_MS, &want, end, err);
    if (r < 0 || *end < 0 || offset < 0)
        return r;
    if ((uint64_t) offset > p->size)
        return error_set(err, -EPROTO, "the agent on %s wants %s from byte %lld on, of %llu",
                         p->s->host->address, p->digest, (long long) offset,
                         (unsigned long long) p->size);
    p->offset = (uint64_t) offset;
    p->streaming = true;
    r = stream(p, p->offset, end, err);
    if (r != 0)
        return r;
    want.ready_offset = NULL;
    return await_end(p->s, p->id, clock_monotonic_ms() + PUT_SETTLE_MS, &want, end, err);
}

/* The agent may still be busy with what the lost link left behind, or have found that the part it
 * kept was damaged and dropped it. */
static bool worth_again(struct put *p, int end)
{
    if (end == -EBUSY && p->lost)
        return pause_for(p->s, BACKOFF_FIRST_MS, p->deadline) == 0 &&
               clock_left_ms(p->deadline) > 0;
    if (end != -EBADMSG || p->offset == 0 || p->restarted)
        return false;
    p->restarted = true;
    return true;
}

static int put(struct put *p, struct error *err)
{
    int r = usable(p->s, err), end = 0;

    while (r == 0) {
        r = ensure_link(p->s, p->deadline, err);
        if (r < 0)
            return r;
        p->streaming = false;
        r = put_once(p, &end, err);
        if (r > 0 && end < 0 && p->streaming)
            drop_link(p->s); /* bytes may still be under way that nobody wants */
        if (r > 0 && worth_again(p, end)) {
            r = end = 0;
            continue;
        }
        if (r > 0)
            return end;
        if (r == -EIO || r == -ENODATA) {
            drop_link(p->s);
            return r;
        }
        if (r == -EAGAIN)
            error_set(err, -EPIPE, "%s did not answer to a put", p->s->host->address);
        r = after_failure(p->s, r, err);
        p->lost = true;
        if (r == 0 && clock_left_ms(p->deadline) == 0)
            return -EPIPE;
    }
    return r;
}

int session_put(struct session *s, const char *digest, const struct blob_source *blob,
                int64_t *sent, struct error *err)
{
    if (!digest_is_valid(digest))
        return error_set(err, -EINVAL, "not a digest: %s", digest);
    struct put p = {.s = s,
                    .digest = digest,
                    .blob = blob,
                    .size = blob->size,
                    .sent = sent,
                    .deadline = clock_monotonic_ms() + SESSION_PATIENCE_MS};
    return put(&p, err);
}
