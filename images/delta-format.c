#include "images/delta-format.h"

#include "images/delta.h"
#include "images/zstd-codec.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define LEVEL_MAX 22

static const char magic[8] = {'B', 'I', 'G', 'T', 'O', 'P', 'D', '1'};

static void put32(unsigned char *out, uint32_t value)
{
    value = htole32(value);
    memcpy(out, &value, sizeof(value));
}

static void put64(unsigned char *out, uint64_t value)
{
    value = htole64(value);
    memcpy(out, &value, sizeof(value));
}

static uint32_t get32(const unsigned char *in)
{
    uint32_t value;
    memcpy(&value, in, sizeof(value));
    return le32toh(value);
}

static uint64_t get64(const unsigned char *in)
{
    uint64_t value;
    memcpy(&value, in, sizeof(value));
    return le64toh(value);
}

void delta_header_put(const struct delta_header *h, unsigned char out[DELTA_HEADER_LEN])
{
    memcpy(out, magic, sizeof(magic));
    put32(out + 8, h->zstd);
    put32(out + 12, h->level);
    put64(out + 16, h->size);
    put64(out + 24, h->plain);
}

int delta_header_get(const unsigned char in[DELTA_HEADER_LEN], struct delta_header *out,
                     struct error *err)
{
    const struct delta_header h = {.zstd = get32(in + 8),
                                   .level = get32(in + 12),
                                   .size = get64(in + 16),
                                   .plain = get64(in + 24)};
    if (memcmp(in, magic, sizeof(magic)) != 0)
        return error_set(err, -EBADMSG, "not a patch");
    if (h.level > LEVEL_MAX || (h.level == 0) != (h.zstd == 0) ||
        (h.level == 0 && h.size != h.plain) || h.plain > DELTA_PLAIN_MAX)
        return error_set(err, -EBADMSG, "a patch with a header that is not possible");
    if (h.zstd != 0 && h.zstd != zstd_version())
        return error_set(err, -EOPNOTSUPP, "a patch that needs libzstd %u, here is %u", h.zstd,
                         zstd_version());
    *out = h;
    return 0;
}

void delta_segment_put(const struct delta_segment *s, unsigned char out[DELTA_SEGMENT_LEN])
{
    put64(out, s->from);
    put32(out + 8, s->window);
    put32(out + 12, s->made);
    put32(out + 16, s->packed);
}

int delta_segment_get(const unsigned char in[DELTA_SEGMENT_LEN], struct delta_segment *out,
                      struct error *err)
{
    const struct delta_segment s = {.from = get64(in),
                                    .window = get32(in + 8),
                                    .made = get32(in + 12),
                                    .packed = get32(in + 16)};
    if (s.window > DELTA_WINDOW || s.made == 0 || s.made > DELTA_SEGMENT || s.packed == 0 ||
        s.packed > DELTA_PACKED)
        return error_set(err, -EBADMSG, "a patch with a segment that is not possible");
    *out = s;
    return 0;
}
