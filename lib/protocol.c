#include "lib/protocol.h"

#include <errno.h>
#include <string.h>

/* Room for one whole frame behind what the reader has not taken yet. */
#define DECODER_MAX (2 * (PROTOCOL_HEADER + PROTOCOL_BYTES_MAX))

void frame_decoder_init(struct frame_decoder *d)
{
    *d = (struct frame_decoder){0};
    strbuf_init(&d->buf, DECODER_MAX);
}

static void release_buffer(struct frame_decoder *d)
{
    strbuf_release_secret(&d->buf);
    strbuf_init(&d->buf, DECODER_MAX);
}

void frame_decoder_release(struct frame_decoder *d)
{
    release_buffer(d);
    frame_decoder_init(d);
}

static size_t payload_max(unsigned char type)
{
    switch (type) {
    case FRAME_JSON:
        return PROTOCOL_JSON_MAX;
    case FRAME_BYTES:
        return PROTOCOL_BYTES_MAX;
    case FRAME_CHUNK:
        return PROTOCOL_CHUNK_MAX;
    default:
        return 0;
    }
}

/* The length counts the type byte. */
static uint32_t announced(const unsigned char header[PROTOCOL_HEADER])
{
    return (uint32_t) header[0] << 24 | (uint32_t) header[1] << 16 | (uint32_t) header[2] << 8 |
           header[3];
}

static int check_header(const struct frame_decoder *d, struct error *err)
{
    uint32_t length = announced(d->header);
    unsigned char type = d->header[PROTOCOL_HEADER - 1];
    if (payload_max(type) == 0 || type == d->refused)
        return error_set(err, -EPROTO, "the peer sent a frame of unknown type 0x%02x", type);
    if (length == 0 || length - 1 > payload_max(type))
        return error_set(err, -EPROTO,
                         "the peer announced a frame of %u bytes, at most %zu allowed", length,
                         payload_max(type) + 1);
    return 0;
}

/* Takes header bytes from the input; a whole header is checked before it is stored. */
static int feed_header(struct frame_decoder *d, const unsigned char **p, size_t *len,
                       struct error *err)
{
    while (*len > 0 && d->header_len < PROTOCOL_HEADER) {
        d->header[d->header_len++] = *(*p)++;
        --*len;
    }
    if (d->header_len < PROTOCOL_HEADER)
        return 0;
    int r = check_header(d, err);
    if (r < 0)
        return r;
    d->header_len = 0;
    d->missing = announced(d->header) - 1;
    return strbuf_add(&d->buf, d->header, PROTOCOL_HEADER);
}

int frame_decoder_feed(struct frame_decoder *d, const void *data, size_t len, struct error *err)
{
    if (d->broken)
        return error_set(err, -EPROTO, "the peer broke the protocol before");
    /* Hundreds of connections that now say little had a long message at their beginning. */
    if (d->taken == d->buf.len && d->buf.cap <= PROTOCOL_JSON_MAX)
        release_buffer(d);
    strbuf_consume(&d->buf, d->taken);
    d->taken = 0;

    const unsigned char *p = data;
    int r = 0;
    while (len > 0 && r == 0) {
        if (d->missing == 0) {
            r = feed_header(d, &p, &len, err);
            continue;
        }
        size_t n = len < d->missing ? len : d->missing;
        r = strbuf_add(&d->buf, p, n);
        p += n;
        len -= n;
        d->missing -= n;
    }
    d->broken = r < 0;
    return r == -E2BIG ? error_set(err, -EPROTO, "frames came faster than they were taken") : r;
}

int frame_decoder_next(struct frame_decoder *d, struct frame *out, struct error *err)
{
    size_t there = d->buf.len - d->taken;
    if (there < PROTOCOL_HEADER)
        return d->broken ? error_set(err, -EPROTO, "the peer broke the protocol before") : 0;
    const unsigned char *header = (const unsigned char *) d->buf.data + d->taken;
    size_t payload = announced(header) - 1;
    if (there - PROTOCOL_HEADER < payload)
        return d->broken ? error_set(err, -EPROTO, "the peer broke the protocol before") : 0;
    out->type = header[PROTOCOL_HEADER - 1];
    out->data = d->buf.data + d->taken + PROTOCOL_HEADER;
    out->len = payload;
    d->taken += PROTOCOL_HEADER + payload;
    return 1;
}

void frame_header(enum frame_type type, size_t len, unsigned char out[PROTOCOL_HEADER])
{
    size_t length = len + 1;
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char) (length >> (24 - 8 * i));
    out[PROTOCOL_HEADER - 1] = (unsigned char) type;
}

int frame_encode_json(struct strbuf *out, const json_t *message, struct error *err)
{
    char *text = json_dumps(message, JSON_COMPACT);
    if (!text)
        return error_set(err, -EINVAL, "a message cannot be written as JSON");
    size_t len = strlen(text);
    int r = -E2BIG;
    if (len <= PROTOCOL_JSON_MAX) {
        unsigned char header[PROTOCOL_HEADER];
        frame_header(FRAME_JSON, len, header);
        strbuf_add(out, header, sizeof(header));
        r = strbuf_add(out, text, len);
    }
    explicit_bzero(text, len);
    free(text);
    return r < 0 ? error_set(err, r, "a message of %zu bytes is too long to be sent", len) : 0;
}

static json_t *printable_string(const char *text)
{
    STRBUF(safe, 4 * ERROR_TEXT_MAX);
    strbuf_add_printable(&safe, text, strlen(text));
    return json_string(safe.data);
}

json_t *error_to_json(const struct error *err)
{
    json_t *j = json_object();
    json_object_set_new(j, "code", json_integer(err->code));
    json_object_set_new(j, "text", printable_string(err->text));
    json_object_set_new(j, "remedy", printable_string(err->remedy));
    return j;
}

static void copy_printable(char *out, size_t size, const char *text)
{
    STRBUF(safe, size - 1);
    strbuf_add_printable(&safe, text, strlen(text));
    memcpy(out, safe.data, safe.len + 1);
}

void error_from_json(const json_t *j, struct error *err)
{
    int64_t code = json_get_int(j, "code", -EIO);
    *err = ERROR_INIT;
    err->code = code < 0 && code >= -4095 ? (int) code : -EIO;
    copy_printable(err->text, sizeof(err->text),
                   json_get_string(j, "text", "the peer reported an error without a text"));
    copy_printable(err->remedy, sizeof(err->remedy), json_get_string(j, "remedy", ""));
}
