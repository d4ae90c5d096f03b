#include "agent/exchange-state.h"

#include "lib/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TURN_BYTES (1024 * 1024) /* read or written before others have their turn */
#define WINDOW_FIRST 2           /* chunks asked for at a time */
#define QUICK_MS 300
#define SLOW_MS 2000
#define ANNOUNCED_MAX(count) (4ULL * (count) + 1024)
#define SERVED_MAX(count) (4ULL * (count) + 1024)
#define DECODER_KEEP (64 * 1024) /* bytes of memory that a link without chunks under way keeps */

struct link *link_new(struct exchange *x, int fd, bool dialled, struct peer *peer, int64_t now)
{
    struct link *l = xcalloc(1, sizeof *l);
    *l = (struct link){.dialled = dialled, .peer = peer, .file = -1, .window = WINDOW_FIRST};
    l->since = l->heard_at = l->moved_at = now;
    if (tls_new(x->identity, fd, !dialled, &l->tls, NULL) < 0) {
        free(l);
        return NULL;
    }
    frame_decoder_init(&l->decoder);
    l->decoder.refused = FRAME_BYTES;
    strbuf_init(&l->out, LINK_OUT_MAX);
    chunk_set_init(&l->has, x->count);
    chunk_set_init(&l->news, x->count);
    l->next = x->links;
    x->links = l;
    x->link_count++;
    return l;
}

void link_free(struct exchange *x, struct link *l)
{
    struct link **at = &x->links;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    x->link_count--;
    asks_forget(x, l);
    tls_free(&l->tls);
    fd_close(&l->file);
    frame_decoder_release(&l->decoder);
    strbuf_release(&l->out);
    chunk_set_release(&l->has);
    chunk_set_release(&l->news);
    free(l);
}

static bool has_output(const struct link *l)
{
    return l->out_sent < l->out.len || l->file_left > 0;
}

short link_events(const struct link *l)
{
    if (l->dialled && !l->polled)
        return POLLOUT;
    if (!l->open)
        return tls_events(l->tls);
    return (short) (POLLIN | (has_output(l) ? POLLOUT : 0));
}

static void shake(struct exchange *x, struct link *l, int64_t now)
{
    int r = tls_handshake(l->tls, NULL);
    if (r == -EAGAIN)
        return;
    if (r < 0 || !peers_admit(x, l)) {
        l->over = true;
        return;
    }
    l->open = true;
    l->heard_at = l->moved_at = now;
    chunk_set_add_all(&l->news, &x->known);
    l->has_news = true;
}

static void on_have(struct exchange *x, struct link *l, const json_t *ranges)
{
    struct error err = ERROR_INIT;
    uint64_t added = 0;
    if (chunk_set_parse(&l->has, ranges, &added, &err) < 0) {
        peers_drop(x, l, err.text);
        return;
    }
    l->announced += added;
    if (l->announced > ANNOUNCED_MAX(x->count))
        peers_drop(x, l, "announced the same chunks over and over");
    x->ask_again = true;
}

static bool is_number(const struct exchange *x, const json_t *item)
{
    return json_is_integer(item) && json_integer_value(item) >= 0 &&
           json_integer_value(item) < x->count;
}

static void on_want(struct exchange *x, struct link *l, const json_t *numbers)
{
    size_t i;
    json_t *item;
    json_array_foreach(numbers, i, item) {
        if (!is_number(x, item) || l->wanted_count == EXCHANGE_QUEUE) {
            peers_drop(x, l, "asked for too much, or for what is no chunk");
            return;
        }
        l->wanted[l->wanted_count++] = (uint32_t) json_integer_value(item);
    }
    l->peer->served += json_array_size(numbers);
    if (l->peer->served > SERVED_MAX(x->count))
        peers_drop(x, l, "asked for the same chunks over and over");
}

static void on_lack(struct exchange *x, struct link *l, const json_t *numbers)
{
    size_t i;
    int64_t asked_at;
    json_t *item;
    json_array_foreach(numbers, i, item) {
        uint32_t number = (uint32_t) json_integer_value(item);
        if (!is_number(x, item) || !asks_take(x, l, number, &asked_at)) {
            peers_drop(x, l, "lacks what it was not asked for");
            return;
        }
        chunk_set_remove(&l->has, number);
    }
}

static bool greet(struct exchange *x, struct link *l, const json_t *message)
{
    const char *manifest = json_get_string(message, "manifest", "");
    if (strcmp(manifest, x->manifest) == 0)
        peers_greeted(x, l);
    else
        peers_drop(x, l, "has another bundle");
    return l->greeted;
}

static void on_json(struct exchange *x, struct link *l, const struct frame *frame)
{
    AUTO_JSON *message = json_parse(frame->data, frame->len, "message", NULL);
    if (!json_is_object(message)) {
        peers_drop(x, l, "sent something that is no message");
        return;
    }
    if (!l->greeted && !greet(x, l, message))
        return;
    const json_t *have = json_object_get(message, "have");
    if (have)
        on_have(x, l, have);
    if (!l->over)
        on_want(x, l, json_object_get(message, "want"));
    if (!l->over)
        on_lack(x, l, json_object_get(message, "lack"));
}

/* More at a time for a quick peer, so that the line is never idle; one for a slow one, whose chunks
 * others may have sooner. */
static void adapt_window(struct link *l, int64_t took)
{
    if (took < QUICK_MS && l->window < ASKS_MAX)
        l->window++;
    else if (took > SLOW_MS && l->window > 1)
        l->window /= 2;
}

static void on_chunk(struct exchange *x, struct link *l, const struct frame *frame, int64_t now)
{
    struct error err = ERROR_INIT;
    int64_t asked_at = now;
    uint32_t number = chunk_number(frame->data, frame->len);
    if (!asks_take(x, l, number, &asked_at)) {
        peers_drop(x, l, "sent a chunk that it was not asked for");
        return;
    }
    adapt_window(l, now - asked_at);
    int r = exchange_take(x, number, frame->data + 4, frame->len - 4, &err);
    if (r == -EBADMSG)
        peers_drop(x, l, err.text);
}

static void on_frame(struct exchange *x, struct link *l, const struct frame *frame, int64_t now)
{
    if (frame->type == FRAME_JSON)
        on_json(x, l, frame);
    else
        on_chunk(x, l, frame, now);
}

static void take_frames(struct exchange *x, struct link *l, size_t len, int64_t now)
{
    struct error err = ERROR_INIT;
    struct frame frame;
    int r = frame_decoder_feed(&l->decoder, x->buffer, len, &err);
    while (r >= 0 && !l->over && !x->failed &&
           (r = frame_decoder_next(&l->decoder, &frame, &err)) == 1)
        on_frame(x, l, &frame, now);
    if (r < 0 && !l->over)
        peers_drop(x, l, err.text);
}

/* A chunk's buffer for each of many peers would add up. */
static void shrink_decoder(struct link *l)
{
    bool is_empty = l->decoder.missing == 0 && l->decoder.header_len == 0;
    if (l->ask_count > 0 || !is_empty || l->decoder.buf.cap <= DECODER_KEEP)
        return;
    frame_decoder_release(&l->decoder);
    l->decoder.refused = FRAME_BYTES;
}

static void read_in(struct exchange *x, struct link *l, int64_t now)
{
    size_t total = 0;
    while (!l->over && !x->failed && total < TURN_BYTES) {
        ssize_t n = tls_read(l->tls, x->buffer, sizeof x->buffer, NULL);
        if (n == -EAGAIN)
            break;
        if (n <= 0) {
            l->over = true;
            return;
        }
        l->heard_at = now;
        total += (size_t) n;
        take_frames(x, l, (size_t) n, now);
    }
    x->busy = x->busy || tls_pending(l->tls);
    shrink_decoder(l);
}

void link_turn(struct exchange *x, struct link *l, short revents, int64_t now)
{
    if (l->over || (revents == 0 && !(l->open && tls_pending(l->tls))))
        return;
    l->polled = true;
    if (!l->open)
        shake(x, l, now);
    if (l->open && !l->over)
        read_in(x, l, now);
}

static void queue_json(struct link *l, json_t *message)
{
    l->over = l->over || frame_encode_json(&l->out, message, NULL) < 0;
    json_decref(message);
}

static json_t *take_news(struct link *l, int64_t now)
{
    json_t *ranges = chunk_set_take(&l->news, RANGES_MAX);
    l->has_news = json_array_size(ranges) == RANGES_MAX;
    l->told_at = now;
    return ranges;
}

static json_t *take_lacks(struct link *l)
{
    json_t *list = json_array();
    for (size_t i = 0; i < l->lack_count; i++)
        json_array_append_new(list, json_integer(l->lacks[i]));
    l->lack_count = 0;
    return list;
}

static json_t *take_asks(struct link *l)
{
    json_t *list = json_array();
    while (l->ask_sent < l->ask_count)
        json_array_append_new(list, json_integer(l->asks[l->ask_sent++].chunk));
    return list;
}

/* The frame's header and as much as makes one record; the rest follows from the file. */
static bool queue_chunk(struct exchange *x, struct link *l, uint32_t number)
{
    unsigned char header[PROTOCOL_HEADER + 4];
    uint32_t size = chunk_map_get(x->map, number).size;
    l->file = chunk_store_open(x->store, number, &l->file_at, NULL);
    if (l->file < 0)
        return false;
    frame_header(FRAME_CHUNK, size + 4, header);
    for (int i = 0; i < 4; i++)
        header[PROTOCOL_HEADER + i] = (unsigned char) (number >> (24 - 8 * i));
    size_t len = size < RECORD - sizeof header ? size : RECORD - sizeof header;
    if (fd_pread_full(l->file, x->buffer, len, l->file_at) < 0) {
        fd_close(&l->file);
        return false;
    }
    strbuf_add(&l->out, header, sizeof header);
    strbuf_add(&l->out, x->buffer, len);
    l->file_at += len;
    l->file_left = size - (uint32_t) len;
    return true;
}

static void serve_next(struct exchange *x, struct link *l)
{
    uint32_t number = l->wanted[0];
    l->wanted_count--;
    memmove(l->wanted, l->wanted + 1, l->wanted_count * sizeof l->wanted[0]);
    bool is_here = chunk_set_has(chunk_store_have(x->store), number);
    if (!is_here || !queue_chunk(x, l, number))
        l->lacks[l->lack_count++] = number;
}

/* Queues the next frame; only called between two frames. False: there is nothing to say. */
static bool refill(struct exchange *x, struct link *l, int64_t now)
{
    fd_close(&l->file);
    /* Who knows of nothing here asks for nothing: hashing would look like a stall. */
    if (!x->looked)
        return false;
    if (!l->introduced) {
        queue_json(l, json_pack("{s:s, s:o}", "manifest", x->manifest, "have", take_news(l, now)));
        l->introduced = true;
    } else if (l->lack_count > 0) {
        queue_json(l, json_pack("{s:o}", "lack", take_lacks(l)));
    } else if (l->ask_sent < l->ask_count) {
        queue_json(l, json_pack("{s:o}", "want", take_asks(l)));
    } else if (l->has_news && now - l->told_at >= EXCHANGE_NEWS_MS) {
        queue_json(l, json_pack("{s:o}", "have", take_news(l, now)));
    } else if (l->wanted_count > 0) {
        serve_next(x, l);
    } else {
        return false;
    }
    return !l->over;
}

static ssize_t write_queued(struct link *l)
{
    ssize_t n = tls_write(l->tls, l->out.data + l->out_sent, l->out.len - l->out_sent, NULL);
    if (n > 0)
        l->out_sent += (size_t) n;
    if (l->out_sent == l->out.len) {
        strbuf_reset(&l->out);
        l->out_sent = 0;
    }
    return n;
}

/* A frame that was begun cannot be taken back: a file that cannot be read ends the connection. */
static ssize_t write_file(struct exchange *x, struct link *l)
{
    size_t len = l->file_left < RECORD ? l->file_left : RECORD;
    if (fd_pread_full(l->file, x->buffer, len, l->file_at) < 0)
        return -EIO;
    ssize_t n = tls_write(l->tls, x->buffer, len, NULL);
    if (n > 0) {
        l->file_at += (uint64_t) n;
        l->file_left -= (uint32_t) n;
    }
    return n;
}

void link_flush(struct exchange *x, struct link *l, int64_t now)
{
    size_t total = 0;
    while (l->open && !l->over && total < TURN_BYTES) {
        if (!has_output(l) && !refill(x, l, now))
            return;
        if (!has_output(l))
            continue;
        ssize_t n = l->out.len > 0 ? write_queued(l) : write_file(x, l);
        if (n == -EAGAIN)
            return;
        if (n < 0) {
            l->over = true;
            return;
        }
        l->moved_at = now;
        total += (size_t) n;
    }
    x->busy = x->busy || (l->open && !l->over);
}
