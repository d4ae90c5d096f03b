#include "coordinator/link.h"

#include "coordinator/push.h"
#include "coordinator/ssh.h"
#include "lib/clock.h"
#include "lib/protocol.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* Attach may have to install and start the service first; then a lost run may have to be waited
 * for. */
#define HELLO_MS (25000 + PROTOCOL_SILENCE_MS)
#define CONNECT_MS 10000
#define LOGIN_MS 60000 /* an emulated machine that is busy took more than ten seconds */
#define SLICE_MS 200
#define LAST_WORDS_MS 1000
#define READ_CHUNK (64 * 1024)
#define CHUNK_PIECE (64 * 1024)
#define STDERR_MAX 4096
#define WORDS_MAX 1024

struct link {
    const struct host *host;
    struct ssh *ssh;
    struct frame_decoder decoder;
    struct strbuf stderr_tail;
    int64_t last_id, last_heard, last_ping;
    const struct session_beside *beside; /* NULL: there is none */
    int64_t beside_id;
};

void link_close(struct link **l)
{
    struct link *link = *l;

    *l = NULL;
    if (!link)
        return;
    ssh_close(&link->ssh);
    frame_decoder_release(&link->decoder);
    strbuf_release(&link->stderr_tail);
    free(link);
}

static void keep_stderr(struct link *l, const char *data, size_t len)
{
    size_t room = STDERR_MAX - (len < STDERR_MAX ? len : STDERR_MAX);

    if (l->stderr_tail.len > room)
        strbuf_consume(&l->stderr_tail, l->stderr_tail.len - room);
    strbuf_add(&l->stderr_tail, data + (len > STDERR_MAX ? len - STDERR_MAX : 0),
               len < STDERR_MAX ? len : STDERR_MAX);
}

static int agent_ended(const struct link *l, struct error *err)
{
    STRBUF(words, WORDS_MAX / 2);
    size_t len = l->stderr_tail.len;
    int code = ssh_exit_code(l->ssh);

    while (len > 0 && (unsigned char) l->stderr_tail.data[len - 1] <= ' ')
        len--;
    size_t start = len > WORDS_MAX / 4 ? len - WORDS_MAX / 4 : 0;
    strbuf_add_printable(&words, l->stderr_tail.data + start, len - start);
    error_set(err, -EPIPE, "the agent's connection on %s ended (exit code %d)%s%s",
              l->host->address, code, words.len ? ": " : "", words.data);
    return error_remedy(err, "look at: journalctl -u " AGENT_UNIT " on the host");
}

/* A decoder holds what it got; secrets in results are wiped by its release. */
static int read_more(struct link *l, int timeout_ms, struct error *err)
{
    char data[READ_CHUNK];
    bool is_stderr;
    ssize_t n = ssh_read(l->ssh, data, sizeof(data), &is_stderr, timeout_ms, err);

    if (n < 0)
        return (int) n;
    if (n == 0)
        return agent_ended(l, err);
    if (is_stderr) {
        keep_stderr(l, data, (size_t) n);
        return 0;
    }
    l->last_heard = clock_monotonic_ms();
    return frame_decoder_feed(&l->decoder, data, (size_t) n, err);
}

/* When writing fails the agent usually said why before it ended. */
static int write_all(struct link *l, const void *data, size_t len, struct error *err)
{
    struct error why = ERROR_INIT;
    int r = ssh_write(l->ssh, data, len, err);
    int64_t deadline = clock_monotonic_ms() + LAST_WORDS_MS;

    if (r != -EPIPE)
        return r;
    while (clock_left_ms(deadline) > 0 && read_more(l, SLICE_MS, &why) == 0)
        ;
    if (err && why.code == -EPIPE)
        *err = why;
    return r;
}

static int send_frame(struct link *l, const json_t *message, struct error *err)
{
    CLEANUP(strbuf_release_secret) struct strbuf frame;

    strbuf_init(&frame, PROTOCOL_HEADER + PROTOCOL_JSON_MAX);
    int r = frame_encode_json(&frame, message, err);
    return r < 0 ? r : write_all(l, frame.data, frame.len, err);
}

static int keep_alive(struct link *l, struct error *err)
{
    int64_t now = clock_monotonic_ms();

    if (now - l->last_heard > PROTOCOL_SILENCE_MS)
        return error_set(err, -EPIPE, "the agent on %s was silent for %d s", l->host->address,
                         PROTOCOL_SILENCE_MS / 1000);
    if (now - l->last_ping < PROTOCOL_PING_MS)
        return 0;
    l->last_ping = now;
    AUTO_JSON *ping = json_pack("{s:i}", "ping", 1);
    return send_frame(l, ping, err);
}

static int parse_frame(const struct link *l, const struct frame *frame, json_t **message,
                       struct error *err)
{
    AUTO_JSON *parsed = NULL;

    if (frame->type == FRAME_JSON)
        parsed = json_parse(frame->data, frame->len, "message", err);
    else
        error_set(err, -EPROTO, "bytes that nobody asked for");
    if (parsed && !json_is_object(parsed))
        error_set(err, -EPROTO, "a message that is no object");
    if (!json_is_object(parsed)) {
        error_prefix(err, "the agent on %s broke the protocol", l->host->address);
        if (err)
            err->code = -EPROTO;
        return -EPROTO;
    }
    *message = TAKE_PTR(parsed);
    return 0;
}

/* Somebody else wants the host, and asks whether we are still there. */
static int answer_ping(struct link *l, json_t *ping, struct error *err)
{
    AUTO_JSON *pong = json_pack("{s:O}", "pong", ping);

    return send_frame(l, pong, err);
}

/* 1 when the next whole frame was ours, 0 when there is none left. */
static int take_message(struct link *l, int64_t id, json_t **message, struct error *err)
{
    for (;;) {
        AUTO_JSON *parsed = NULL;
        struct frame frame;
        int r = frame_decoder_next(&l->decoder, &frame, err);
        if (r > 0)
            r = parse_frame(l, &frame, &parsed, err);
        int64_t its = parsed ? json_get_int(parsed, "id", 0) : 0;
        if (parsed && its == id) {
            *message = TAKE_PTR(parsed);
            return 1;
        }
        json_t *ping = json_object_get(parsed, "ping");
        if (ping)
            r = answer_ping(l, ping, err);
        else if (parsed && l->beside && its == l->beside_id)
            r = l->beside->take(l->beside->userdata, parsed, err);
        if (r < 0 || !parsed)
            return r;
    }
}

/* Sends at most one thing; *wait_ms becomes how long it may take until there is another. */
static int feed_beside(struct link *l, int *wait_ms, struct error *err)
{
    int wait = SLICE_MS;
    int r = l->beside ? l->beside->feed(l->beside->userdata, l, &wait, err) : 0;

    if (r > 0)
        wait = 0;
    *wait_ms = wait < *wait_ms ? wait : *wait_ms;
    return r < 0 ? r : 0;
}

int link_begin_beside(struct link *l, const struct session_beside *beside, struct error *err)
{
    int64_t id = beside->begin(beside->userdata, l, err);

    if (id < 0)
        return (int) id;
    l->beside = beside;
    l->beside_id = id;
    return 0;
}

int link_receive(struct link *l, int64_t id, int64_t deadline_ms, json_t **message,
                 struct error *err)
{
    for (;;) {
        int r = take_message(l, id, message, err);
        if (r != 0)
            return r < 0 ? r : 0;
        int wait = SLICE_MS;
        r = keep_alive(l, err);
        if (r == 0)
            r = feed_beside(l, &wait, err);
        if (r < 0)
            return r;
        int left = clock_left_ms(deadline_ms);
        r = read_more(l, left < wait ? left : wait, err);
        if (r < 0 && r != -EAGAIN)
            return r;
        if (left == 0)
            return -EAGAIN;
    }
}

int64_t link_call(struct link *l, const char *call, json_t *params, struct error *err)
{
    int64_t id = ++l->last_id;
    AUTO_JSON *message = json_pack("{s:I, s:s, s:o}", "id", (json_int_t) id, "call", call, "params",
                                   params ? json_incref(params) : json_object());
    int r = send_frame(l, message, err);

    /* The time between two calls was our silence, not the agent's. */
    l->last_heard = clock_monotonic_ms();
    return r < 0 ? r : id;
}

/* What flows is as good as a ping and its answer. */
static int write_flowing(struct link *l, const void *data, size_t len, struct error *err)
{
    int r = write_all(l, data, len, err);

    l->last_ping = l->last_heard = clock_monotonic_ms();
    return r;
}

int link_send_bytes(struct link *l, unsigned char *data, size_t len, struct error *err)
{
    frame_header(FRAME_BYTES, len, data - PROTOCOL_HEADER);
    return write_flowing(l, data - PROTOCOL_HEADER, PROTOCOL_HEADER + len, err);
}

int link_send_chunk(struct link *l, uint32_t number, const struct blob_source *blob,
                    uint64_t offset, uint32_t size, struct error *err)
{
    AUTO_FREE unsigned char *piece = xcalloc(1, CHUNK_PIECE);
    size_t used = PROTOCOL_HEADER + sizeof(number);
    uint32_t big_endian = htonl(number);

    frame_header(FRAME_CHUNK, sizeof(number) + size, piece);
    memcpy(piece + PROTOCOL_HEADER, &big_endian, sizeof(big_endian));
    for (uint32_t done = 0; done < size;) {
        uint32_t left = size - done, room = CHUNK_PIECE - (uint32_t) used;
        uint32_t now = left < room ? left : room;
        int r = blob_source_read(blob, offset + done, piece + used, now, err);
        if (r == 0)
            r = write_flowing(l, piece, used + now, err);
        if (r < 0)
            return r;
        done += now;
        used = 0;
    }
    return 0;
}

static int check_hello(const struct link *l, const json_t *reply, struct error *err)
{
    const json_t *failure = json_object_get(reply, "error");
    int64_t version = json_get_int(json_object_get(reply, "result"), "protocol", -1);

    if (failure) {
        error_from_json(failure, err);
        return err && err->code < 0 ? err->code : -EPROTO;
    }
    if (version == PROTOCOL_VERSION)
        return 0;
    error_set(err, -EPROTO, "the agent on %s speaks protocol %lld, this program %d",
              l->host->address, (long long) version, PROTOCOL_VERSION);
    return error_remedy(err, "use the same version of bigtop-bootstrap that installed it");
}

void link_tell_progress(const struct session_options *o, const json_t *progress)
{
    STRBUF(text, 512);
    const char *raw = json_get_string(progress, "text", "");

    strbuf_add_printable(&text, raw, strnlen(raw, 100));
    if (o->on_progress)
        o->on_progress(o->userdata, text.data, json_get_int(progress, "done", 0),
                       json_get_int(progress, "total", 0));
}

static int await_hello(struct link *l, const struct session_options *o, int64_t id, json_t **reply,
                       struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + HELLO_MS;

    for (;;) {
        int r = link_receive(l, id, deadline, reply, err);
        const json_t *progress = r == 0 ? json_object_get(*reply, "progress") : NULL;
        if (!progress)
            return r;
        link_tell_progress(o, progress);
        json_decref(*reply);
        *reply = NULL;
    }
}

static int say_hello(struct link *l, const struct session_options *o, struct error *err)
{
    AUTO_JSON *reply = NULL;
    AUTO_JSON *params = json_pack("{s:i, s:s, s:b, s:s}", "protocol", PROTOCOL_VERSION, "run",
                                  o->run, "lock", o->lock, "who", o->who);
    int64_t id = link_call(l, "hello", params, err);

    if (id < 0)
        return (int) id;
    int r = await_hello(l, o, id, &reply, err);
    if (r == -EAGAIN)
        return error_set(err, -ETIMEDOUT, "the agent on %s did not answer", l->host->address);
    return r < 0 ? r : check_hello(l, reply, err);
}

static bool wants_sudo(const struct host *h)
{
    return h->sudo == SUDO_PASSWORD || (h->sudo == SUDO_AUTO && strcmp(h->user, "root") != 0);
}

static int connect_ssh(struct link *l, const struct session_options *o, int timeout_ms,
                       struct error *err)
{
    const struct host *h = l->host;
    struct ssh_target target = {
        .address = h->address,
        .port = h->port,
        .user = h->user,
        .key = h->key,
        .password = h->password,
        .host_key = h->host_key,
        .known_hosts = o->known_hosts,
        .connect_timeout_ms = CONNECT_MS,
        .login_timeout_ms = timeout_ms < LOGIN_MS ? timeout_ms : LOGIN_MS,
        .never_ask = o->never_ask,
        .cancel = o->cancel,
    };
    return ssh_open(&target, &l->ssh, err);
}

static int start_agent(struct link *l, const struct session_options *o,
                       struct strbuf *sudo_password, struct error *err)
{
    const struct host *h = l->host;
    AUTO_FREE char *who = xasprintf("%s@%s", h->user, h->address);
    struct push_options push = {
        .who = who,
        .sudo = wants_sudo(h),
        .sudo_password = h->sudo_password,
        .never_ask = o->never_ask,
        .asked = sudo_password,
        .words = &l->stderr_tail,
        .on_progress = o->on_progress,
        .userdata = o->userdata,
        .cancel = o->cancel,
    };
    return push_agent(l->ssh, &push, NULL, err);
}

int link_open(const struct host *host, const struct session_options *options,
              struct strbuf *sudo_password, int timeout_ms, struct link **out, struct error *err)
{
    AUTO_LINK *l = xcalloc(1, sizeof(*l));

    l->host = host;
    frame_decoder_init(&l->decoder);
    strbuf_init(&l->stderr_tail, STDERR_MAX);
    int r = connect_ssh(l, options, timeout_ms, err);
    if (r == 0)
        r = start_agent(l, options, sudo_password, err);
    l->last_heard = l->last_ping = clock_monotonic_ms();
    if (r == 0)
        r = say_hello(l, options, err);
    if (r == 0)
        *out = TAKE_PTR(l);
    return r;
}
