#include "images/zstd-codec.h"

#include "lib/strbuf.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>

#define IN_SIZE (128 * 1024)
#define WINDOW_LOG_MIN 10
#define WINDOW_LOG_MAX 23
#define PIECE_LEVEL 16
#define QUICK_LEVEL 3
#define QUICK_ENOUGH 256 /* a piece packed to this part of it is good enough */

struct plain_reader {
    const struct blob_source *blob;
    uint64_t at;        /* of the blob: what was read from it */
    ZSTD_DStream *zstd; /* NULL: not compressed */
    bool in_frame;
    ZSTD_inBuffer in;
    char buffer[IN_SIZE];
};

uint32_t zstd_version(void)
{
    return ZSTD_versionNumber();
}

static int zstd_failed(size_t code, const char *what, struct error *err)
{
    return error_set(err, -EBADMSG, "%s: %s", what, ZSTD_getErrorName(code));
}

int plain_open(const struct blob_source *blob, struct plain_reader **out, struct error *err)
{
    static const unsigned char magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    unsigned char begin[sizeof(magic)];
    int r = blob->size < sizeof(begin) ? 0 : blob_source_read(blob, 0, begin, sizeof(begin), err);
    if (r < 0)
        return r;
    struct plain_reader *reader = xcalloc(1, sizeof(*reader));
    reader->blob = blob;
    if (blob->size >= sizeof(begin) && memcmp(begin, magic, sizeof(magic)) == 0) {
        reader->zstd = ZSTD_createDStream();
        if (!reader->zstd)
            abort();
        ZSTD_DCtx_setParameter(reader->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    }
    *out = reader;
    return 0;
}

void plain_close(struct plain_reader **r)
{
    if (*r)
        ZSTD_freeDStream((*r)->zstd);
    free(*r);
    *r = NULL;
}

bool plain_is_zstd(const struct plain_reader *r)
{
    return r->zstd != NULL;
}

static int refill(struct plain_reader *r, struct error *err)
{
    uint64_t left = r->blob->size - r->at;
    size_t n = left < IN_SIZE ? (size_t) left : IN_SIZE;
    int e = blob_source_read(r->blob, r->at, r->buffer, n, err);
    r->at += n;
    r->in = (ZSTD_inBuffer){.src = r->buffer, .size = n};
    return e;
}

static int read_zstd(struct plain_reader *r, ZSTD_outBuffer *out, struct error *err)
{
    while (out->pos < out->size) {
        bool empty = r->in.pos == r->in.size;
        if (empty && r->at == r->blob->size && !r->in_frame)
            return 0;
        int e = empty && r->at < r->blob->size ? refill(r, err) : 0;
        if (e < 0)
            return e;
        size_t in_before = r->in.pos, out_before = out->pos;
        size_t left = ZSTD_decompressStream(r->zstd, out, &r->in);
        if (ZSTD_isError(left))
            return zstd_failed(left, "zstd stream", err);
        r->in_frame = left != 0;
        if (r->in_frame && r->in.pos == in_before && out->pos == out_before)
            return error_set(err, -EBADMSG, "zstd stream is cut off");
    }
    return 0;
}

int plain_read(struct plain_reader *r, void *buffer, size_t len, size_t *got, struct error *err)
{
    if (!r->zstd) {
        uint64_t left = r->blob->size - r->at;
        *got = left < len ? (size_t) left : len;
        int e = blob_source_read(r->blob, r->at, buffer, *got, err);
        r->at += *got;
        return e;
    }
    ZSTD_outBuffer out = {.dst = buffer, .size = len};
    int e = read_zstd(r, &out, err);
    *got = out.pos;
    return e;
}

struct packer {
    ZSTD_CCtx *zstd; /* NULL: not compressed */
    packer_sink_fn sink;
    void *userdata;
    size_t out_size;
    char out[];
};

struct packer *packer_new(int level, packer_sink_fn sink, void *userdata)
{
    size_t out_size = ZSTD_CStreamOutSize();
    struct packer *p = xcalloc(1, sizeof(*p) + out_size);
    p->sink = sink;
    p->userdata = userdata;
    p->out_size = out_size;
    if (level != 0) {
        p->zstd = ZSTD_createCCtx();
        if (!p->zstd)
            abort();
        ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, level);
    }
    return p;
}

void packer_free(struct packer **p)
{
    if (*p)
        ZSTD_freeCCtx((*p)->zstd);
    free(*p);
    *p = NULL;
}

static int pump(struct packer *p, ZSTD_inBuffer *in, ZSTD_EndDirective mode, struct error *err)
{
    size_t left;
    do {
        ZSTD_outBuffer out = {.dst = p->out, .size = p->out_size};
        left = ZSTD_compressStream2(p->zstd, &out, in, mode);
        if (ZSTD_isError(left))
            return error_set(err, -ENOMEM, "compress: %s", ZSTD_getErrorName(left));
        int r = out.pos > 0 ? p->sink(p->userdata, p->out, out.pos, err) : 0;
        if (r != 0)
            return r;
    } while (mode == ZSTD_e_end ? left != 0 : in->pos < in->size);
    return 0;
}

int packer_write(struct packer *p, const void *data, size_t len, struct error *err)
{
    if (!p->zstd)
        return p->sink(p->userdata, data, len, err);
    ZSTD_inBuffer in = {.src = data, .size = len};
    return pump(p, &in, ZSTD_e_continue, err);
}

/* With nothing to compress: told a size at the end, zstd would choose other parameters. */
int packer_finish(struct packer *p, struct error *err)
{
    ZSTD_inBuffer in = {0};
    return p->zstd ? pump(p, &in, ZSTD_e_end, err) : 0;
}

static void release_cctx(ZSTD_CCtx **c)
{
    ZSTD_freeCCtx(*c);
}

static void release_dctx(ZSTD_DCtx **d)
{
    ZSTD_freeDCtx(*d);
}

static int window_log(size_t len)
{
    int log = WINDOW_LOG_MIN;
    while ((size_t) 1 << log < len)
        log++;
    return log;
}

static size_t pack_at_level(int level, const void *prefix, size_t prefix_len, const void *data,
                            size_t len, void *out, size_t room)
{
    CLEANUP(release_cctx) ZSTD_CCtx *zstd = ZSTD_createCCtx();
    if (!zstd)
        abort();
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, window_log(prefix_len + len));
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_enableLongDistanceMatching, 1);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
    size_t code = ZSTD_CCtx_refPrefix(zstd, prefix, prefix_len);
    return ZSTD_isError(code) ? code : ZSTD_compress2(zstd, out, room, data, len);
}

int piece_pack(const void *prefix, size_t prefix_len, const void *data, size_t len, void *out,
               size_t *out_len, struct error *err)
{
    size_t code = pack_at_level(QUICK_LEVEL, prefix, prefix_len, data, len, out, *out_len);
    if (ZSTD_isError(code) || code > len / QUICK_ENOUGH)
        code = pack_at_level(PIECE_LEVEL, prefix, prefix_len, data, len, out, *out_len);
    if (ZSTD_isError(code))
        return error_set(err, -ENOBUFS, "compress: %s", ZSTD_getErrorName(code));
    *out_len = code;
    return 0;
}

int piece_unpack(const void *prefix, size_t prefix_len, const void *packed, size_t packed_len,
                 void *out, size_t len, struct error *err)
{
    CLEANUP(release_dctx) ZSTD_DCtx *zstd = ZSTD_createDCtx();
    if (!zstd)
        abort();
    if (ZSTD_findFrameCompressedSize(packed, packed_len) != packed_len)
        return error_set(err, -EBADMSG, "is not one zstd frame");
    size_t code = ZSTD_DCtx_refPrefix(zstd, prefix, prefix_len);
    if (!ZSTD_isError(code))
        code = ZSTD_decompressDCtx(zstd, out, len, packed, packed_len);
    if (ZSTD_isError(code))
        return zstd_failed(code, "zstd frame", err);
    return code == len ? 0 : error_set(err, -EBADMSG, "makes %zu bytes, not %zu", code, len);
}
