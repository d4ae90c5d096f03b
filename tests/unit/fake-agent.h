/* The agent's end of lib/protocol.h for tests of the coordinator: the test program itself, started
 * through ssh as `bigtop-agent attach`. It behaves as the word in FAKE_MODE says and keeps what it
 * did in FAKE_DIR. */
#pragma once

#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAKE_DIR "/tmp/fake"
#define FAKE_MODE FAKE_DIR "/mode"
#define FAKE_ATTACHES FAKE_DIR "/attaches" /* a byte each */
#define FAKE_RUNS FAKE_DIR "/runs"         /* a byte for each job that was really run */
#define FAKE_JOB FAKE_DIR "/job"           /* id of the last job */
#define FAKE_LEFT FAKE_DIR "/left" /* "leaves" makes it some time after a job, then ends */
#define FAKE_PART FAKE_DIR "/part"
#define FAKE_CALL FAKE_DIR "/exchange" /* the parameters of the last exchange */
#define FAKE_CALLS FAKE_DIR "/exchanges" /* a byte each */
#define FAKE_CHUNKS FAKE_DIR "/chunks" /* a folder: a file for each that came, by its number */
#define FAKE_CHUNK_COUNT 8             /* what a host is to want */

struct fake {
    char mode[64];
    bool first; /* the first attach since the mode was set */
    int64_t facts_id; /* that is not answered yet */
    int64_t put_id;
    int64_t put_size;
    int64_t got; /* bytes of the put in this attach */
    int64_t exchange_id;
    int chunks;    /* that came in this attach */
    json_t *wants; /* digests of all exchange calls in this attach */
    int part;
    int refused;
};

static void fake_note(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1)
        _exit(99);
    close(fd);
}

static int64_t fake_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : 0;
}

static void fake_raw(const void *data, size_t len)
{
    if (fd_write_all(1, data, len) < 0)
        _exit(98);
}

static void fake_send(json_t *message)
{
    STRBUF(frame, PROTOCOL_HEADER + PROTOCOL_JSON_MAX);
    if (frame_encode_json(&frame, message, NULL) < 0)
        _exit(97);
    fake_raw(frame.data, frame.len);
    json_decref(message);
}

static void fake_result(int64_t id, json_t *result)
{
    fake_send(json_pack("{s:I, s:o}", "id", (json_int_t) id, "result", result));
}

static void fake_error(int64_t id, int code, const char *text)
{
    fake_send(json_pack("{s:I, s:{s:i, s:s, s:s}}", "id", (json_int_t) id, "error", "code", code,
                        "text", text, "remedy", "do something"));
}

static void fake_hello(const struct fake *f, int64_t id)
{
    if (strcmp(f->mode, "wanted") == 0)
        fake_send(json_pack("{s:I, s:{s:s}}", "id", (json_int_t) id, "progress", "text",
                            "waiting for ann\033[2J"));
    if (strcmp(f->mode, "busy") == 0)
        fake_error(id, -EBUSY, "in use by root@other since 12:00");
    else
        fake_result(id, json_pack("{s:i}", "protocol", strcmp(f->mode, "old") == 0 ? 99 : 1));
}

/* A job is run once for its id; in "cut-run" the link is lost in its midst. */
static void fake_run(const struct fake *f, int64_t id, const json_t *params)
{
    STRBUF(last, 1024);
    const char *job = json_get_string(params, "job", "");

    (void) file_read(FAKE_JOB, &last, NULL);
    if (strcmp(last.data, job) != 0) {
        fake_note(FAKE_RUNS);
        if (file_write_atomic(FAKE_JOB, job, strlen(job), 0600, NULL) < 0)
            _exit(96);
        fake_send(json_pack("{s:I, s:{s:s, s:i, s:i}}", "id", (json_int_t) id, "progress", "text",
                            "working\033[2J", "done", 1, "total", 2));
        if (strcmp(f->mode, "cut-run") == 0 && f->first)
            _exit(1);
        if (strcmp(f->mode, "long-run") == 0 && f->first)
            pause();
    }
    const char *step = json_get_string(params, "step", "");
    fake_result(id, json_pack("{s:s, s:s}", "job", job, "step", step));
    if (strcmp(f->mode, "leaves") == 0) {
        usleep(500000);
        fake_note(FAKE_LEFT);
        _exit(0);
    }
}

static void fake_put(struct fake *f, int64_t id, const json_t *params)
{
    f->put_id = id;
    f->put_size = json_get_int(params, "size", 0);
    f->part = open(FAKE_PART, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int64_t offset = strcmp(f->mode, "bad-offset") == 0 ? f->put_size + 1 : fake_size(FAKE_PART);
    if (strcmp(f->mode, "has-it") == 0)
        fake_result(id, json_object());
    else if (strcmp(f->mode, "cut-put") == 0 && !f->first && !f->refused++)
        fake_error(id, -EBUSY, "another put of it is under way"); /* of the lost link */
    else
        fake_send(json_pack("{s:I, s:{s:I}}", "id", (json_int_t) id, "ready", "offset",
                            (json_int_t) offset));
}

static void fake_bytes(struct fake *f, const struct frame *frame)
{
    if (f->put_id == 0)
        return;
    if (fd_write_all(f->part, frame->data, frame->len) < 0)
        _exit(95);
    f->got += (int64_t) frame->len;
    if (strcmp(f->mode, "cut-put") == 0 && f->first && f->got > 1024 * 1024)
        _exit(1);
    if (strcmp(f->mode, "full") == 0 && f->got > 1024 * 1024) {
        fake_error(f->put_id, -ENOSPC, "no space left");
        f->put_id = 0;
    } else if (fake_size(FAKE_PART) >= f->put_size && strcmp(f->mode, "bad-part") == 0 &&
               f->got < f->put_size) {
        fake_error(f->put_id, -EBADMSG, "damaged");
        f->put_id = f->got = 0;
        if (unlink(FAKE_PART) < 0)
            _exit(93);
    } else if (fake_size(FAKE_PART) >= f->put_size) {
        fake_result(f->put_id, json_object());
        f->put_id = 0;
    }
}

static void fake_progress(const struct fake *f, json_t *progress)
{
    fake_send(json_pack("{s:I, s:o}", "id", (json_int_t) f->exchange_id, "progress", progress));
}

static bool fake_has_chunk(int number)
{
    char path[64];
    snprintf(path, sizeof(path), FAKE_CHUNKS "/%d", number);
    return access(path, F_OK) == 0;
}

static void fake_report(const struct fake *f)
{
    json_t *have = json_array();
    for (int i = 0; i < FAKE_CHUNK_COUNT; i++)
        if (fake_has_chunk(i))
            json_array_append_new(have, json_pack("[i, i]", i, 1));
    bool all = json_array_size(have) == FAKE_CHUNK_COUNT;
    fake_progress(f, json_pack("{s:o, s:[[i, i]], s:o, s:[s]}", "have", have, "want", 0,
                               FAKE_CHUNK_COUNT, "blobs",
                               all ? json_incref(f->wants) : json_array(), "peers", "1"));
}

/* Hostile or unlucky: a progress of its own. */
static bool fake_bad_report(const struct fake *f)
{
    static const struct {
        const char *mode, *progress;
    } reports[] = {
        {"far-range", "{\"have\":[[0,4000000000]]}"},
        {"no-range", "{\"want\":[\"x\"]}"},
        {"no-array", "{\"have\":7}"},
        {"odd-peers", "{\"peers\":[\"9\",7,\"0\"],\"blobs\":[7,\"sha256:x\"],\"dropped\":[7],"
                      "\"damaged\":[-1,\"x\"]}"},
        {"damaged", "{\"damaged\":[3]}"},
        {"dropped", "{\"dropped\":[{\"id\":\"1\",\"why\":\"it lied\\u001b[2J\"}]}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(reports); i++)
        if (strcmp(f->mode, reports[i].mode) == 0)
            fake_progress(f, json_loads(reports[i].progress, 0, NULL));
    return strcmp(f->mode, "far-range") == 0 || strcmp(f->mode, "no-range") == 0 ||
           strcmp(f->mode, "no-array") == 0;
}

static void fake_exchange(struct fake *f, int64_t id, const json_t *params)
{
    AUTO_FREE char *text = json_canonical(params);
    (void) mkdir(FAKE_CHUNKS, 0700);
    fake_note(FAKE_CALLS);
    if (file_write_atomic(FAKE_CALL, text, strlen(text), 0600, NULL) < 0)
        _exit(92);
    f->exchange_id = id;
    if (!f->wants)
        f->wants = json_array();
    json_array_extend(f->wants, json_object_get(params, "want"));
    if (strcmp(f->mode, "no-exchange") == 0)
        fake_error(id, -ENOSPC, "no room");
    else if (!fake_bad_report(f))
        fake_report(f);
}

static void fake_chunk(struct fake *f, const struct frame *frame)
{
    char path[64];
    uint32_t number;
    memcpy(&number, frame->data, sizeof(number));
    snprintf(path, sizeof(path), FAKE_CHUNKS "/%u", (unsigned) __builtin_bswap32(number));
    if (file_write_atomic(path, frame->data + 4, frame->len - 4, 0600, NULL) < 0)
        _exit(91);
    if (strcmp(f->mode, "cut-exchange") == 0 && f->first && ++f->chunks == 3)
        _exit(1);
    fake_report(f);
    if (strcmp(f->mode, "forgets") == 0 && f->first && fake_has_chunk(7)) {
        for (int i = 0; i < 4; i++) {
            snprintf(path, sizeof(path), FAKE_CHUNKS "/%d", i);
            (void) unlink(path);
        }
        _exit(1);
    }
}

/* The hostile ones, as the answer to "facts". */
static void fake_facts(struct fake *f, int64_t id)
{
    static const unsigned char giant[] = {0x40, 0, 0, 0, 'J', '{'};
    static const unsigned char broken[] = {0, 0, 0, 4, 'J', '{', 'x', '}'};
    static const unsigned char array[] = {0, 0, 0, 3, 'J', '[', ']'};
    static const unsigned char bytes[] = {0, 0, 0, 3, 'B', '[', ']'};

    if (strcmp(f->mode, "giant") == 0)
        fake_raw(giant, sizeof(giant));
    else if (strcmp(f->mode, "garbage") == 0)
        fake_raw("Hello, world\033[2J\n", 17);
    else if (strcmp(f->mode, "broken") == 0)
        fake_raw(broken, sizeof(broken));
    else if (strcmp(f->mode, "array") == 0)
        fake_raw(array, sizeof(array));
    else if (strcmp(f->mode, "bytes") == 0)
        fake_raw(bytes, sizeof(bytes));
    else if (strcmp(f->mode, "escapes") == 0)
        fake_error(id, -EIO, "\033]0;owned\007\033[2J");
    else if (strcmp(f->mode, "positive") == 0)
        fake_error(id, 5, "an error that is no error");
    else if (strcmp(f->mode, "wrong-id") == 0)
        fake_result(id + 7, json_pack("{s:s}", "for", "another"));
    if (strcmp(f->mode, "wanted") == 0) { /* answered when the ping is */
        fake_send(json_pack("{s:i}", "ping", 7));
        f->facts_id = id;
        return;
    }
    while (strcmp(f->mode, "flood") == 0)
        fake_send(json_pack("{s:i}", "pong", 1));
    if (strcmp(f->mode, "silent") != 0)
        fake_result(id, json_pack("{s:s}", "for", "you"));
}

static void fake_call(struct fake *f, const json_t *message)
{
    const char *call = json_get_string(message, "call", "");
    const json_t *params = json_object_get(message, "params");
    int64_t id = json_get_int(message, "id", 0);

    if (json_object_get(message, "ping"))
        fake_send(json_pack("{s:i}", "pong", 1));
    else if (json_object_get(message, "pong"))
        fake_result(f->facts_id, json_pack("{s:s, s:O}", "for", "you", "pong",
                                           json_object_get(message, "pong")));
    else if (strcmp(call, "hello") == 0)
        fake_hello(f, id);
    else if (strcmp(call, "facts") == 0)
        fake_facts(f, id);
    else if (strcmp(call, "run") == 0)
        fake_run(f, id, params);
    else if (strcmp(call, "put") == 0)
        fake_put(f, id, params);
    else if (strcmp(call, "exchange") == 0)
        fake_exchange(f, id, params);
    else
        fake_error(id, -ENOSYS, "no such call");
}

static int fake_agent(void)
{
    struct fake f = {.part = -1};
    struct frame_decoder decoder;
    STRBUF(mode, sizeof(f.mode) - 1);
    static char data[65536];
    ssize_t n;

    (void) file_read(FAKE_MODE, &mode, NULL);
    snprintf(f.mode, sizeof(f.mode), "%s", mode.data);
    f.first = fake_size(FAKE_ATTACHES) == 0;
    fake_note(FAKE_ATTACHES);
    if (strcmp(f.mode, "crash") == 0 || (strcmp(f.mode, "crash-again") == 0 && !f.first)) {
        fprintf(stderr, "bigtop-agent: boom\033[2J\n");
        return 3;
    }
    frame_decoder_init(&decoder);
    while ((n = read(0, data, sizeof(data))) > 0) {
        struct frame frame;
        if (frame_decoder_feed(&decoder, data, (size_t) n, NULL) < 0)
            return 94;
        while (frame_decoder_next(&decoder, &frame, NULL) > 0) {
            if (frame.type == FRAME_BYTES)
                fake_bytes(&f, &frame);
            if (frame.type == FRAME_CHUNK)
                fake_chunk(&f, &frame);
            if (frame.type != FRAME_JSON)
                continue;
            AUTO_JSON *message = json_parse(frame.data, frame.len, "message", NULL);
            if (message)
                fake_call(&f, message);
        }
    }
    return 0;
}
