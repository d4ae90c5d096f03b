/* Agents' exchanges, each a process with a root of its own, on addresses of 127/8, and peers that
 * the test plays itself. */
#include "agent/blobs.h"
#include "agent/chunk-store.h"
#include "agent/exchange.h"
#include "agent/paths.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/protocol.h"
#include "lib/strv.h"
#include "lib/tls.h"
#include "tests/unit/chunk-count.h"
#include "tests/unit/chunk-fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define AGENTS_MAX 4
#define WAIT_MS 20000
#define LINE_MAX_LEN (256 * 1024)
#define BIG 0 /* of 8 chunks */
#define SMALL 1
#define CHUNKS 9

struct agent {
    char id[8];
    pid_t pid;
    int control, news; /* our ends of its pipes */
    struct strbuf line;
    char *root;
    /* what it said */
    struct chunk_set have, want;
    struct strv blobs, dropped; /* dropped: "id: why" */
    json_t *peers, *damaged;
    unsigned reports;
    char failed[ERROR_TEXT_MAX];
};

struct world {
    struct fixture f;
    char manifest[DIGEST_SIZE];
    struct tls_authority *ca;
    unsigned port;
    struct agent agents[AGENTS_MAX];
    size_t count;
};

static struct world w;

static int setup(void **state)
{
    (void) state;
    static unsigned serial;
    struct error err = ERROR_INIT;
    signal(SIGPIPE, SIG_IGN);
    w = (struct world){.port = 20000 + ((unsigned) getpid() * 7 + serial++) % 12000};
    fixture_add(&w.f, 1, CHUNK_SIZE * 15 / 2);
    fixture_add(&w.f, 2, 5000);
    fixture_parse(&w.f);
    assert_int_equal(chunk_map_count(w.f.map), CHUNKS);
    digest_buffer(w.f.bundle.text, w.f.bundle.text_len, w.manifest);
    return tls_authority_new("run", &w.ca, &err);
}

static void address_of(size_t index, char out[20])
{
    snprintf(out, 20, "127.0.7.%zu", index + 1);
}

/* "self" is the index; everybody up to `count` is a peer. */
static json_t *params_of(size_t index, size_t count, struct tls_authority *ca, const char *trusted)
{
    STRBUF(cert, TLS_PEM_MAX);
    CLEANUP(strbuf_release_secret) struct strbuf key;
    char self[8], address[20];
    strbuf_init(&key, TLS_PEM_MAX);
    snprintf(self, sizeof self, "%zu", index);
    assert_int_equal(tls_authority_issue(ca, self, &cert, &key, NULL), 0);
    json_t *peers = json_array();
    for (size_t i = 0; i < count; i++) {
        char id[8];
        address_of(i, address);
        snprintf(id, sizeof id, "%zu", i);
        if (i != index)
            json_array_append_new(peers, json_pack("{s:s, s:s}", "id", id, "address", address));
    }
    address_of(index, address);
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:o, s:[]}", "manifest", w.manifest,
                     "self", self, "port", (int) w.port, "listen", address, "ca", trusted, "cert",
                     cert.data, "key", key.data, "peers", peers, "want");
}

/* --- an agent's process --- */

static int child_news;

static void write_line(json_t *message)
{
    AUTO_FREE char *text = json_canonical(message);
    AUTO_FREE char *line = xasprintf("%s\n", text);
    if (fd_write_all(child_news, line, strlen(line)) < 0)
        _exit(90);
    json_decref(message);
}

static void child_progress(void *userdata, uint64_t watch, json_t *progress)
{
    (void) userdata;
    if (watch == 1)
        write_line(progress);
    else
        json_decref(progress);
}

static void child_failed(void *userdata, const struct error *err)
{
    (void) userdata;
    write_line(json_pack("{s:s}", "failed", err->text));
}

/* Orders: u32 length, u8 kind: 'w' a digest, 'c' a chunk's payload, 'q' to end, 'd' and drop. */
static void child_obey(struct exchange **x, int control)
{
    unsigned char header[5];
    while (*x && fd_read_full(control, header, sizeof header) == 0) {
        struct error err = ERROR_INIT;
        uint32_t len = (uint32_t) header[0] << 24 | (uint32_t) header[1] << 16 |
                       (uint32_t) header[2] << 8 | header[3];
        AUTO_FREE char *data = xcalloc(1, len + 1);
        if (fd_read_full(control, data, len) < 0 && len > 0)
            _exit(91);
        AUTO_JSON *want = header[4] == 'w' ? json_pack("{s:[s]}", "want", data) : NULL;
        if (header[4] == 'w')
            exchange_want(*x, want, &err);
        else if (header[4] == 'c')
            exchange_chunk(*x, data, len, &err);
        else
            exchange_stop(x, header[4] == 'd');
        if (err.code < 0)
            write_line(json_pack("{s:s}", "failed", err.text));
    }
    exchange_stop(x, false);
}

static void child_store(const struct chunk_set *chunks)
{
    struct chunk_store *store = NULL;
    if (chunk_store_new(&w.f.bundle, w.f.map, &store, NULL) < 0)
        _exit(92);
    for (uint32_t n = 0; n < CHUNKS; n++)
        if (chunk_set_has(chunks, n) && chunk_store_add(store, n, fixture_chunk(&w.f, n),
                                                        chunk_map_get(w.f.map, n).size, NULL) < 0)
            _exit(93);
    chunk_store_free(&store);
}

static void child_main(const struct agent *a, const json_t *params, const struct chunk_set *chunks,
                       int control)
{
    const struct exchange_events events = {child_progress, child_failed, NULL};
    struct error err = ERROR_INIT;
    struct exchange *x = NULL;
    agent_root_set(a->root);
    if (agent_prepare_folders(&err) < 0)
        _exit(94);
    child_store(chunks);
    if (exchange_start(params, &w.f.bundle, &events, &x, &err) < 0) {
        write_line(json_pack("{s:s}", "failed", err.text));
        _exit(95);
    }
    exchange_watch(x, 1);
    child_obey(&x, control);
    _exit(0);
}

/* --- ours --- */

static void agent_spawn(struct agent *a, const json_t *params, const char *ranges)
{
    int control[2], news[2];
    CLEANUP(chunk_set_release) struct chunk_set chunks;
    AUTO_JSON *list = json_parse(ranges, strlen(ranges), "ranges", NULL);
    chunk_set_init(&chunks, CHUNKS);
    assert_int_equal(chunk_set_parse(&chunks, list, NULL, NULL), 0);
    assert_int_equal(pipe2(control, O_CLOEXEC) | pipe2(news, O_CLOEXEC), 0);
    a->pid = fork();
    if (a->pid == 0) {
        for (size_t i = 0; i < w.count; i++) {
            close(w.agents[i].control);
            close(w.agents[i].news);
        }
        close(control[1]);
        close(news[0]);
        child_news = news[1];
        child_main(a, params, &chunks, control[0]);
    }
    close(control[0]);
    close(news[1]);
    a->control = control[1];
    a->news = news[0];
    fd_set_nonblocking(a->news);
}

/* Begins the next agent; it has the chunks already. */
static struct agent *agent_begin_with(json_t *params, const char *ranges)
{
    struct agent *a = &w.agents[w.count];
    *a = (struct agent){.control = -1, .news = -1};
    snprintf(a->id, sizeof a->id, "%zu", w.count);
    folder_setup((void **) &a->root);
    strbuf_init(&a->line, LINE_MAX_LEN);
    chunk_set_init(&a->have, CHUNKS);
    chunk_set_init(&a->want, CHUNKS);
    agent_spawn(a, params, ranges);
    w.count++;
    json_decref(params);
    return a;
}

static struct agent *agent_begin(size_t count, const char *ranges, bool wants)
{
    json_t *params = params_of(w.count, count, w.ca, tls_authority_pem(w.ca));
    for (size_t i = 0; wants && i < w.f.count; i++)
        json_array_append_new(json_object_get(params, "want"), json_string(w.f.blobs[i].digest));
    return agent_begin_with(params, ranges);
}

static void agent_end(struct agent *a, int sig)
{
    int status = 0;
    if (a->pid <= 0)
        return;
    if (sig)
        kill(a->pid, sig);
    fd_close(&a->control);
    assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
    if (!sig)
        assert_int_equal(status, 0);
    fd_close(&a->news);
    a->pid = 0;
}

static void agent_forget(struct agent *a)
{
    strv_release(&a->blobs);
    strv_release(&a->dropped);
    json_decref(a->peers);
    json_decref(a->damaged);
    chunk_set_release(&a->have);
    chunk_set_release(&a->want);
    strbuf_release(&a->line);
    folder_teardown((void **) &a->root);
}

static int teardown(void **state)
{
    (void) state;
    for (size_t i = 0; i < w.count; i++) {
        agent_end(&w.agents[i], SIGKILL);
        agent_forget(&w.agents[i]);
    }
    tls_authority_free(&w.ca);
    fixture_release(&w.f);
    return 0;
}

static void agent_order(const struct agent *a, char kind, const void *data, size_t len)
{
    unsigned char header[5] = {(unsigned char) (len >> 24), (unsigned char) (len >> 16),
                               (unsigned char) (len >> 8), (unsigned char) len,
                               (unsigned char) kind};
    assert_int_equal(fd_write_all(a->control, header, sizeof header), 0);
    assert_int_equal(fd_write_all(a->control, data, len), 0);
}

static void put_number(char *out, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        out[i] = (char) (number >> (24 - 8 * i));
}

static void agent_give(const struct agent *a, uint32_t number)
{
    uint32_t size = chunk_map_get(w.f.map, number).size;
    AUTO_FREE char *payload = xcalloc(1, size + 4);
    put_number(payload, number);
    memcpy(payload + 4, fixture_chunk(&w.f, number), size);
    agent_order(a, 'c', payload, size + 4);
}

static void note_dropped(struct agent *a, const json_t *dropped)
{
    size_t i;
    json_t *item;
    json_array_foreach(dropped, i, item)
        strv_addf(&a->dropped, "%s: %s", json_get_string(item, "id", "?"),
                  json_get_string(item, "why", "?"));
}

static void note(struct agent *a, const json_t *report)
{
    size_t i;
    json_t *item;
    if (json_object_get(report, "have"))
        assert_int_equal(chunk_set_parse(&a->have, json_object_get(report, "have"), NULL, NULL), 0);
    if (json_object_get(report, "want"))
        assert_int_equal(chunk_set_parse(&a->want, json_object_get(report, "want"), NULL, NULL), 0);
    json_array_foreach(json_object_get(report, "blobs"), i, item)
        strv_add(&a->blobs, json_string_value(item));
    note_dropped(a, json_object_get(report, "dropped"));
    if (json_object_get(report, "peers")) {
        json_decref(a->peers);
        a->peers = json_incref(json_object_get(report, "peers"));
    }
    if (json_object_get(report, "damaged")) {
        json_decref(a->damaged);
        a->damaged = json_incref(json_object_get(report, "damaged"));
    }
    if (json_object_get(report, "failed"))
        snprintf(a->failed, sizeof a->failed, "%s", json_get_string(report, "failed", ""));
    a->reports++;
}

static void agent_read(struct agent *a)
{
    char data[65536];
    ssize_t n = a->news < 0 ? -1 : read(a->news, data, sizeof data);
    if (n > 0)
        strbuf_add(&a->line, data, (size_t) n);
    char *end;
    while ((end = memchr(a->line.data, '\n', a->line.len))) {
        size_t len = (size_t) (end - a->line.data);
        AUTO_JSON *report = json_parse(a->line.data, len, "report", NULL);
        assert_non_null(report);
        note(a, report);
        strbuf_consume(&a->line, len + 1);
    }
}

/* Until it is so; false after WAIT_MS. */
static bool eventually(bool (*is_so)(const void *arg), const void *arg)
{
    int64_t deadline = clock_monotonic_ms() + WAIT_MS;
    while (clock_monotonic_ms() < deadline) {
        for (size_t i = 0; i < w.count; i++)
            agent_read(&w.agents[i]);
        if (is_so(arg))
            return true;
        poll(NULL, 0, 5);
    }
    return false;
}

static bool is_complete(const void *arg)
{
    return ((const struct agent *) arg)->blobs.count == w.f.count;
}

static bool has_dropped(const void *arg)
{
    return ((const struct agent *) arg)->dropped.count > 0;
}

static bool has_failed(const void *arg)
{
    return ((const struct agent *) arg)->failed[0] != '\0';
}

static bool has_all_its_peers(const void *arg)
{
    return json_array_size(((const struct agent *) arg)->peers) == w.count - 1;
}

static bool has_reported(const void *arg)
{
    return ((const struct agent *) arg)->reports > 0;
}

static void assert_complete(struct agent *a)
{
    if (!eventually(is_complete, a))
        fail_msg("agent %s has %u chunks, %zu blobs; dropped: %s; %s", a->id,
                 chunk_set_count(&a->have), a->blobs.count,
                 a->dropped.count ? a->dropped.items[0] : "nobody", a->failed);
    agent_root_set(a->root);
    for (size_t i = 0; i < w.f.count; i++) {
        AUTO_FREE char *path = blob_path(w.f.blobs[i].digest);
        assert_int_equal(file_is(path, w.f.blobs[i].data, w.f.blobs[i].size, 0600), 1);
    }
    assert_string_equal(a->failed, "");
}

/* --- a peer that the test plays --- */

struct actor {
    struct tls_identity *identity;
    struct tls *tls;
    struct frame_decoder decoder;
};

static struct tls_identity *identity_of(struct tls_authority *ca, const char *name)
{
    STRBUF(cert, TLS_PEM_MAX);
    CLEANUP(strbuf_release_secret) struct strbuf key;
    struct tls_identity *i = NULL;
    strbuf_init(&key, TLS_PEM_MAX);
    assert_int_equal(tls_authority_issue(ca, name, &cert, &key, NULL), 0);
    assert_int_equal(tls_identity_new(tls_authority_pem(w.ca), cert.data, key.data, &i, NULL), 0);
    return i;
}

static int dial_agent(size_t index)
{
    char text[20];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t) w.port)};
    address_of(index, text);
    inet_pton(AF_INET, text, &address.sin_addr);
    for (int i = 0; i < 400; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (const struct sockaddr *) &address, sizeof address) == 0) {
            fd_set_nonblocking(fd);
            return fd;
        }
        close(fd);
        poll(NULL, 0, 10);
    }
    fail_msg("nobody listens at %s", text);
    return -1;
}

static void wait_for(const struct tls *t, short events)
{
    struct pollfd p = {.fd = tls_fd(t), .events = events};
    poll(&p, 1, WAIT_MS);
}

static int actor_connect(struct actor *a, struct tls_authority *ca, const char *name, size_t to)
{
    int r;
    a->identity = identity_of(ca, name);
    frame_decoder_init(&a->decoder);
    assert_int_equal(tls_new(a->identity, dial_agent(to), false, &a->tls, NULL), 0);
    while ((r = tls_handshake(a->tls, NULL)) == -EAGAIN)
        wait_for(a->tls, tls_events(a->tls));
    return r;
}

static void actor_release(struct actor *a)
{
    tls_free(&a->tls);
    tls_identity_free(&a->identity);
    frame_decoder_release(&a->decoder);
}
#define ACTOR(name) CLEANUP(actor_release) struct actor name = {0}

/* False when the agent has hung up. */
static bool actor_send(struct actor *a, const void *data, size_t len)
{
    size_t sent = 0;
    while (sent < len) {
        ssize_t n = tls_write(a->tls, (const char *) data + sent, len - sent, NULL);
        if (n == -EAGAIN)
            wait_for(a->tls, POLLOUT);
        else if (n < 0)
            return false;
        else
            sent += (size_t) n;
    }
    return true;
}

static bool actor_say(struct actor *a, const char *text)
{
    unsigned char header[PROTOCOL_HEADER];
    frame_header(FRAME_JSON, strlen(text), header);
    return actor_send(a, header, sizeof header) && actor_send(a, text, strlen(text));
}

static bool actor_introduce(struct actor *a, const char *have)
{
    AUTO_FREE char *text = xasprintf("{\"manifest\":\"%s\",\"have\":%s}", w.manifest, have);
    return actor_say(a, text);
}

/* The next frame; NULL when the agent has hung up. */
static const struct frame *actor_hear(struct actor *a)
{
    static struct frame frame;
    char data[16384];
    while (frame_decoder_next(&a->decoder, &frame, NULL) == 0) {
        ssize_t n = tls_read(a->tls, data, sizeof data, NULL);
        if (n == -EAGAIN)
            wait_for(a->tls, POLLIN);
        else if (n <= 0)
            return NULL;
        else
            frame_decoder_feed(&a->decoder, data, (size_t) n, NULL);
    }
    return &frame;
}

/* The first chunk that the agent asks for. */
static uint32_t actor_is_asked(struct actor *a)
{
    const struct frame *frame;
    while ((frame = actor_hear(a))) {
        AUTO_JSON *message = json_parse(frame->data, frame->len, "message", NULL);
        const json_t *want = json_object_get(message, "want");
        if (json_array_size(want) > 0)
            return (uint32_t) json_integer_value(json_array_get(want, 0));
    }
    fail_msg("the agent hung up and asked for nothing");
    return 0;
}

static bool actor_give(struct actor *a, uint32_t number, const char *data, size_t len)
{
    char header[PROTOCOL_HEADER + 4];
    frame_header(FRAME_CHUNK, len + 4, (unsigned char *) header);
    put_number(header + PROTOCOL_HEADER, number);
    return actor_send(a, header, sizeof header) && actor_send(a, data, len);
}

/* --- the tests --- */

static void test_mesh_of_four(void **state)
{
    (void) state;
    static const char *const quarters[] = {"[[0,2],[8,1]]", "[[2,2]]", "[[4,2]]", "[[6,2]]"};
    for (size_t i = 0; i < 4; i++)
        agent_begin(4, quarters[i], true);
    for (size_t i = 0; i < 4; i++) {
        assert_complete(&w.agents[i]);
        assert_int_equal(w.agents[i].dropped.count, 0);
        assert_int_equal(chunk_set_count(&w.agents[i].have), CHUNKS);
    }
    for (size_t i = 0; i < 4; i++)
        assert_true(eventually(has_all_its_peers, &w.agents[i]));
    for (size_t i = 0; i < 4; i++)
        agent_end(&w.agents[i], 0);
}

/* In a row, 0 and 2 do not know each other: what 0 has comes to 2 by way of 1. */
static void test_relay(void **state)
{
    (void) state;
    struct agent *a = agent_begin(2, "[[0,9]]", true);
    agent_begin(3, "[]", true);
    json_t *params = params_of(2, 3, w.ca, tls_authority_pem(w.ca));
    json_array_remove(json_object_get(params, "peers"), 0);
    json_array_append_new(json_object_get(params, "want"), json_string(w.f.blobs[BIG].digest));
    json_array_append_new(json_object_get(params, "want"), json_string(w.f.blobs[SMALL].digest));
    struct agent *c = agent_begin_with(params, "[]");
    assert_complete(c);
    assert_complete(a);
    assert_int_equal(json_array_size(c->peers), 1);
}

static bool wants_most(const void *arg)
{
    const struct agent *a = arg;
    return chunk_set_count(&a->want) == CHUNKS - 1 && !chunk_set_has(&a->want, 1);
}

static void test_from_the_coordinator(void **state)
{
    (void) state;
    struct agent *a = agent_begin(1, "[[1,1]]", true);
    assert_true(eventually(wants_most, a));
    for (uint32_t n = 0; n < CHUNKS; n++)
        agent_give(a, n);
    assert_complete(a);
    assert_int_equal(chunk_set_count(&a->want), CHUNKS - 1);
    agent_end(a, 0);
}

static bool has_damaged(const void *arg)
{
    return json_array_size(((const struct agent *) arg)->damaged) > 0;
}

static void test_damage_of_the_coordinator(void **state)
{
    (void) state;
    struct agent *a = agent_begin(1, "[]", true);
    char payload[104] = {0};
    put_number(payload, 3);
    agent_order(a, 'c', payload, sizeof payload);
    assert_true(eventually(has_damaged, a));
    assert_int_equal(json_integer_value(json_array_get(a->damaged, 0)), 3);
    agent_give(a, 3);
    for (uint32_t n = 0; n < CHUNKS; n++)
        agent_give(a, n);
    assert_complete(a);
}

static void test_malformed_chunks(void **state)
{
    (void) state;
    struct agent *a = agent_begin(1, "[]", true);
    char payload[8] = {0};
    put_number(payload, CHUNKS);
    agent_order(a, 'c', payload, sizeof payload);
    assert_true(eventually(has_failed, a));
    a->failed[0] = '\0';
    agent_order(a, 'c', payload, 3);
    assert_true(eventually(has_failed, a));
}

/* What is not wanted here, but given, is served to others, and goes with the exchange. */
static void test_keeps_for_others(void **state)
{
    (void) state;
    struct agent *carrier = agent_begin(2, "[]", false);
    assert_true(eventually(has_reported, carrier));
    for (uint32_t n = 0; n < CHUNKS; n++)
        agent_give(carrier, n);
    struct agent *b = agent_begin(2, "[]", true);
    assert_complete(b);
    assert_true(chunk_set_empty(&carrier->want));
    agent_root_set(carrier->root);
    AUTO_FREE char *blob = blob_path(w.f.blobs[SMALL].digest);
    AUTO_FREE char *path = xasprintf("%s" CHUNKS_SUFFIX, blob);
    assert_int_equal(access(path, F_OK), 0);
    agent_order(carrier, 'd', "", 0);
    agent_end(carrier, 0);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_wanted_later(void **state)
{
    (void) state;
    agent_begin(2, "[[0,9]]", true);
    struct agent *b = agent_begin(2, "[]", false);
    assert_true(eventually(has_all_its_peers, b));
    assert_int_equal(chunk_set_count(&b->have), 0);
    agent_order(b, 'w', w.f.blobs[SMALL].digest, DIGEST_LEN);
    agent_order(b, 'w', w.f.blobs[BIG].digest, DIGEST_LEN);
    assert_complete(b);
    AUTO_FREE char *foreign = xasprintf("sha256:%064d", 1);
    agent_order(b, 'w', foreign, DIGEST_LEN);
    assert_true(eventually(has_failed, b));
}

/* Agent 0 wants; agent 1 is honest and has all, but begins only after the liar was heard. */
static struct agent *victim(void)
{
    return agent_begin(3, "[]", true);
}

/* The same, and the liar is connected to it. */
static struct agent *victim_of(struct actor *liar)
{
    struct agent *a = victim();
    assert_int_equal(actor_connect(liar, w.ca, "2", 0), 1);
    return a;
}

static void assert_dropped(struct agent *a, const char *why)
{
    if (!eventually(has_dropped, a))
        fail_msg("nobody was dropped for: %s", why);
    AUTO_FREE char *expected = xasprintf("2: %s", why);
    if (!strstr(a->dropped.items[0], expected))
        fail_msg("\"%s\" instead of \"%s\"", a->dropped.items[0], expected);
    ACTOR(again);
    char byte;
    if (actor_connect(&again, w.ca, "2", 0) == 1) {
        ssize_t n;
        while ((n = tls_read(again.tls, &byte, 1, NULL)) == -EAGAIN)
            wait_for(again.tls, POLLIN);
        assert_true(n <= 0);
    }
    agent_begin(3, "[[0,9]]", true);
    assert_complete(a);
    assert_int_equal(a->dropped.count, 1);
}

static void test_wrong_bytes(void **state)
{
    (void) state;
    ACTOR(liar);
    struct agent *a = victim_of(&liar);
    assert_true(actor_introduce(&liar, "[[0,9]]"));
    uint32_t n = actor_is_asked(&liar);
    uint32_t size = chunk_map_get(w.f.map, n).size;
    AUTO_FREE char *data = xcalloc(1, size);
    memcpy(data, fixture_chunk(&w.f, n), size);
    data[size / 2] ^= 1;
    actor_give(&liar, n, data, size);
    assert_dropped(a, "chunk 0 came with wrong bytes");
}

static void test_wrong_length(void **state)
{
    (void) state;
    ACTOR(liar);
    struct agent *a = victim_of(&liar);
    assert_true(actor_introduce(&liar, "[[0,9]]"));
    uint32_t n = actor_is_asked(&liar);
    actor_give(&liar, n, fixture_chunk(&w.f, n), chunk_map_get(w.f.map, n).size - 1);
    assert_dropped(a, "chunk 0 came with wrong bytes");
}

static void test_unasked_chunk(void **state)
{
    (void) state;
    ACTOR(liar);
    struct agent *a = victim_of(&liar);
    assert_true(actor_introduce(&liar, "[[0,1]]"));
    actor_is_asked(&liar);
    actor_give(&liar, 8, fixture_chunk(&w.f, 8), 5000);
    assert_dropped(a, "sent a chunk that it was not asked for");
}

static void test_chunk_out_of_the_bundle(void **state)
{
    (void) state;
    ACTOR(liar);
    struct agent *a = victim_of(&liar);
    assert_true(actor_introduce(&liar, "[[0,9]]"));
    actor_give(&liar, 0xfffffff0, "abc", 3);
    assert_dropped(a, "sent a chunk that it was not asked for");
}

static void check_words(const char *words, const char *why)
{
    ACTOR(liar);
    struct agent *a = victim_of(&liar);
    if (actor_introduce(&liar, "[[0,9]]"))
        actor_say(&liar, words);
    assert_dropped(a, why);
}

static void test_range_out_of_the_bundle(void **state)
{
    (void) state;
    check_words("{\"have\":[[8,2]]}", "a range of chunks is malformed");
}

static void test_nonsense(void **state)
{
    (void) state;
    check_words("{\"have\":", "sent something that is no message");
}

static void test_nested_nonsense(void **state)
{
    (void) state;
    static char nested[PROTOCOL_JSON_MAX];
    memset(nested, '[', sizeof nested - 1);
    check_words(nested, "sent something that is no message");
}

static void test_wants_nonsense(void **state)
{
    (void) state;
    check_words("{\"want\":[9]}", "asked for too much");
}

static void test_lacks_nonsense(void **state)
{
    (void) state;
    check_words("{\"lack\":[-1]}", "lacks what it was not asked for");
}

static void test_wants_too_much(void **state)
{
    (void) state;
    check_words("{\"want\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
                "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}",
                "asked for too much");
}

/* A million ranges: more than fits into a frame is refused by its header, the rest by their sum. */
static void test_million_ranges(void **state)
{
    (void) state;
    ACTOR(liar);
    STRBUF(text, PROTOCOL_JSON_MAX);
    struct agent *a = victim_of(&liar);
    assert_true(actor_introduce(&liar, "[[0,9]]"));
    strbuf_adds(&text, "{\"have\":[[0,1]");
    for (int i = 1; i < 10000; i++)
        strbuf_adds(&text, ",[0,1]");
    strbuf_adds(&text, "]}");
    assert_false(strbuf_full(&text));
    for (int i = 0; i < 100 && actor_say(&liar, text.data); i++)
        continue;
    assert_dropped(a, "announced the same chunks over and over");
}

static void check_header(const char *header, const char *why)
{
    ACTOR(liar);
    struct agent *a = victim_of(&liar);
    assert_true(actor_introduce(&liar, "[[0,9]]"));
    actor_send(&liar, header, PROTOCOL_HEADER);
    assert_dropped(a, why);
}

static void test_huge_json(void **state)
{
    (void) state;
    check_header("\0\1\0\2J", "the peer announced a frame of 65538 bytes");
}

static void test_huge_chunk(void **state)
{
    (void) state;
    check_header("\x40\0\0\0C", "the peer announced a frame of 1073741824 bytes");
}

static void test_bytes_frame(void **state)
{
    (void) state;
    check_header("\0\0\0\5B", "the peer sent a frame of unknown type 0x42");
}

static void test_another_bundle(void **state)
{
    (void) state;
    ACTOR(liar);
    struct agent *a = victim_of(&liar);
    assert_true(actor_say(&liar, "{\"manifest\":\"sha256:"
                                 "0000000000000000000000000000000000000000000000000000000000000000"
                                 "\",\"have\":[[0,9]]}"));
    assert_dropped(a, "has another bundle");
}

/* It is disconnected after a while; its chunks are asked of the other long before. */
static void test_silent_peer(void **state)
{
    (void) state;
    ACTOR(silent);
    struct agent *a = victim();
    assert_int_equal(actor_connect(&silent, w.ca, "2", 0), 1);
    assert_true(actor_introduce(&silent, "[[0,9]]"));
    actor_is_asked(&silent);
    agent_begin(3, "[[0,9]]", true);
    assert_complete(a);
    assert_int_equal(a->dropped.count, 0);
    unsigned reports = a->reports;
    assert_true(eventually(has_dropped, a));
    assert_non_null(strstr(a->dropped.items[0], "2: sent nothing for"));
    assert_true(a->reports < reports + 5); /* there was nothing else to say */
}

static void test_peer_that_dies_in_a_chunk(void **state)
{
    (void) state;
    struct agent *a = victim();
    {
        ACTOR(dying);
        assert_int_equal(actor_connect(&dying, w.ca, "2", 0), 1);
        assert_true(actor_introduce(&dying, "[[0,9]]"));
        uint32_t n = actor_is_asked(&dying);
        char header[PROTOCOL_HEADER + 4];
        frame_header(FRAME_CHUNK, CHUNK_SIZE + 4, (unsigned char *) header);
        put_number(header + PROTOCOL_HEADER, n);
        assert_true(actor_send(&dying, header, sizeof header));
        assert_true(actor_send(&dying, fixture_chunk(&w.f, n), CHUNK_SIZE / 2));
    }
    agent_begin(3, "[[0,9]]", true);
    assert_complete(a);
    assert_int_equal(a->dropped.count, 0);
}

/* It says that it has what it has not: the others are asked. */
static void test_peer_that_lacks(void **state)
{
    (void) state;
    ACTOR(poor);
    struct agent *a = victim();
    assert_int_equal(actor_connect(&poor, w.ca, "2", 0), 1);
    assert_true(actor_introduce(&poor, "[[0,1]]"));
    assert_int_equal(actor_is_asked(&poor), 0);
    assert_true(actor_say(&poor, "{\"lack\":[0]}"));
    agent_begin(3, "[[0,9]]", true);
    assert_complete(a);
    assert_int_equal(a->dropped.count, 0);
}

static void test_chunks_that_are_not_here(void **state)
{
    (void) state;
    ACTOR(asking);
    agent_begin(3, "[[8,1]]", false);
    assert_int_equal(actor_connect(&asking, w.ca, "2", 0), 1);
    assert_true(actor_introduce(&asking, "[]"));
    assert_true(actor_say(&asking, "{\"want\":[0,8]}"));
    bool lacks = false, got = false;
    while (!lacks || !got) {
        const struct frame *frame = actor_hear(&asking);
        assert_non_null(frame);
        if (frame->type == FRAME_CHUNK) {
            assert_int_equal(frame->len, 5004);
            assert_memory_equal(frame->data + 4, fixture_chunk(&w.f, 8), 5000);
            got = true;
        } else {
            AUTO_JSON *message = json_parse(frame->data, frame->len, "message", NULL);
            lacks = lacks || json_array_size(json_object_get(message, "lack")) == 1;
        }
    }
}

static void assert_refused(struct actor *a)
{
    char byte;
    ssize_t n;
    while ((n = tls_read(a->tls, &byte, 1, NULL)) == -EAGAIN)
        wait_for(a->tls, POLLIN);
    assert_true(n <= 0);
}

static void test_strangers(void **state)
{
    (void) state;
    ACTOR(stranger);
    ACTOR(unknown);
    struct tls_authority *foreign = NULL;
    struct agent *a = victim();
    assert_int_equal(tls_authority_new("run", &foreign, NULL), 0);
    if (actor_connect(&stranger, foreign, "2", 0) == 1)
        assert_refused(&stranger);
    if (actor_connect(&unknown, w.ca, "7", 0) == 1)
        assert_refused(&unknown);
    tls_authority_free(&foreign);
    int silent = dial_agent(0);
    agent_begin(3, "[[0,9]]", true);
    assert_complete(a);
    close(silent);
}

/* kill -9: what was acknowledged is here again. */
static void test_resume(void **state)
{
    (void) state;
    struct agent *a = agent_begin(1, "[]", true);
    for (uint32_t n = 0; n < 5; n++)
        agent_give(a, n);
    int64_t deadline = clock_monotonic_ms() + WAIT_MS;
    while (chunk_set_count(&a->have) < 4 && clock_monotonic_ms() < deadline)
        agent_read(a);
    uint32_t before = chunk_set_count(&a->have);
    assert_true(before >= 4);
    agent_end(a, SIGKILL);
    chunk_set_release(&a->have);
    chunk_set_init(&a->have, CHUNKS);
    a->reports = 0;
    AUTO_JSON *params = params_of(0, 1, w.ca, tls_authority_pem(w.ca));
    json_array_append_new(json_object_get(params, "want"), json_string(w.f.blobs[BIG].digest));
    agent_spawn(a, params, "[]");
    deadline = clock_monotonic_ms() + WAIT_MS;
    while (chunk_set_count(&a->have) < before && clock_monotonic_ms() < deadline)
        agent_read(a);
    assert_true(chunk_set_count(&a->have) >= before);
}

static void check_params(const char *key, json_t *value, int expected)
{
    const struct exchange_events events = {child_progress, child_failed, NULL};
    struct exchange *x = NULL;
    struct error err = ERROR_INIT;
    AUTO_JSON *params = params_of(0, 3, w.ca, tls_authority_pem(w.ca));
    json_object_set_new(params, key, value);
    assert_int_equal(exchange_start(params, &w.f.bundle, &events, &x, &err), expected);
    assert_true(err.text[0] != '\0');
    assert_null(x);
    assert_non_null(w.f.bundle.json);
}

static void test_malformed_params(void **state)
{
    char *root = NULL;
    (void) state;
    folder_setup((void **) &root);
    agent_root_set(root);
    assert_int_equal(agent_prepare_folders(NULL), 0);
    AUTO_FREE char *digest = xasprintf("sha256:%064d", 1);
    check_params("manifest", json_string(digest), -EBADMSG);
    check_params("manifest", json_null(), -EINVAL);
    check_params("self", json_string(""), -EINVAL);
    check_params("self", json_string("1"), -EINVAL);
    check_params("port", json_integer(0), -EINVAL);
    check_params("port", json_integer(65536), -EINVAL);
    check_params("listen", json_string("nowhere"), -EINVAL);
    check_params("cert", json_string("nonsense"), -EINVAL);
    check_params("peers", json_pack("[{s:s, s:s}]", "id", "1", "address", "host.example"), -EINVAL);
    check_params("peers", json_pack("[{s:s}]", "id", "1"), -EINVAL);
    check_params("peers",
                 json_pack("[{s:s, s:s}, {s:s, s:s}]", "id", "1", "address", "127.0.0.1", "id", "1",
                           "address", "127.0.0.2"),
                 -EINVAL);
    check_params("want", json_pack("[s]", "sha256:x"), -EINVAL);
    check_params("want", json_pack("[i]", 1), -EINVAL);
    check_params("want", json_pack("[s]", digest), -ENOENT);
    json_t *many = json_array();
    for (int i = 0; i <= EXCHANGE_PEERS_MAX; i++) {
        AUTO_FREE char *id = xasprintf("p%d", i);
        json_array_append_new(many, json_pack("{s:s, s:s}", "id", id, "address", "127.0.0.1"));
    }
    check_params("peers", many, -EINVAL);
    folder_teardown((void **) &root);
}

/* In this process, for the leak checker: begun and ended with peers that are not there. */
static void test_begin_and_end(void **state)
{
    const struct exchange_events events = {child_progress, child_failed, NULL};
    struct exchange *x = NULL;
    char *root = NULL;
    (void) state;
    folder_setup((void **) &root);
    agent_root_set(root);
    assert_int_equal(agent_prepare_folders(NULL), 0);
    AUTO_JSON *params = params_of(0, 3, w.ca, tls_authority_pem(w.ca));
    json_array_append_new(json_object_get(params, "want"), json_string(w.f.blobs[BIG].digest));
    /* The map borrows from the bundle, which goes to the exchange. */
    chunk_map_free(&w.f.map);
    assert_int_equal(exchange_start(params, &w.f.bundle, &events, &x, NULL), 0);
    exchange_watch(x, 2);
    poll(NULL, 0, 100);
    exchange_stop(&x, true);
    assert_null(x);
    folder_teardown((void **) &root);
}

#define exchange_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        exchange_test(test_mesh_of_four),
        exchange_test(test_relay),
        exchange_test(test_from_the_coordinator),
        exchange_test(test_damage_of_the_coordinator),
        exchange_test(test_malformed_chunks),
        exchange_test(test_keeps_for_others),
        exchange_test(test_wanted_later),
        exchange_test(test_wrong_bytes),
        exchange_test(test_wrong_length),
        exchange_test(test_unasked_chunk),
        exchange_test(test_chunk_out_of_the_bundle),
        exchange_test(test_range_out_of_the_bundle),
        exchange_test(test_nonsense),
        exchange_test(test_nested_nonsense),
        exchange_test(test_wants_nonsense),
        exchange_test(test_lacks_nonsense),
        exchange_test(test_wants_too_much),
        exchange_test(test_million_ranges),
        exchange_test(test_huge_json),
        exchange_test(test_huge_chunk),
        exchange_test(test_bytes_frame),
        exchange_test(test_another_bundle),
        exchange_test(test_silent_peer),
        exchange_test(test_peer_that_dies_in_a_chunk),
        exchange_test(test_peer_that_lacks),
        exchange_test(test_chunks_that_are_not_here),
        exchange_test(test_strangers),
        exchange_test(test_resume),
        exchange_test(test_malformed_params),
        exchange_test(test_begin_and_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
