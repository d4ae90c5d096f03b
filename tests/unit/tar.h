/* Hand-made tar bytes (POSIX.1-1988 ustar headers), so that a test can lie in every field. */
#pragma once

#include "lib/strbuf.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TAR_MAX (4 << 20)

struct tar_entry {
    const char *name;
    char type;             /* '0' file, '1' link, '2' symlink, '3' device, '5' folder, '6' FIFO */
    unsigned mode;         /* 0: 0644 */
    const char *link;
    const char *data;
    unsigned long long size; /* announced; 0: that of data */
};

static inline void tar_pad(struct strbuf *out)
{
    while (out->len % 512)
        strbuf_addc(out, '\0');
}

static inline void tar_header(struct strbuf *out, const struct tar_entry *e, size_t data_len)
{
    char h[512] = {0};
    unsigned long long size = e->size ? e->size : data_len;
    memcpy(h, e->name, strnlen(e->name, 100));
    snprintf(h + 100, 8, "%07o", (e->mode ? e->mode : 0644) & 0777777);
    snprintf(h + 108, 8, "%07o", 1000);
    snprintf(h + 116, 8, "%07o", 1000);
    snprintf(h + 124, 12, "%011llo", size);
    snprintf(h + 136, 12, "%011o", 1000000000);
    h[156] = e->type ? e->type : '0';
    if (e->link)
        memcpy(h + 157, e->link, strnlen(e->link, 100));
    memcpy(h + 257, "ustar\00000", 8);
    memset(h + 148, ' ', 8);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof(h); i++)
        sum += (unsigned char) h[i];
    snprintf(h + 148, 8, "%06o", sum & 0777777);
    strbuf_add(out, h, sizeof(h));
}

static inline void tar_add(struct strbuf *out, struct tar_entry e)
{
    size_t len = e.data ? strlen(e.data) : 0;
    tar_header(out, &e, len);
    strbuf_add(out, e.data ? e.data : "", len);
    tar_pad(out);
}

/* An entry whose header is preceded by pax records: "key=value" each. */
static inline void tar_add_pax(struct strbuf *out, const char *record, struct tar_entry e)
{
    /* "LEN key=value\n" where LEN counts itself. */
    size_t len = strlen(record) + 4;
    AUTO_FREE char *text = xasprintf("%zu %s\n", len < 100 ? len : len + 1, record);
    tar_add(out, (struct tar_entry){.name = "pax", .type = 'x', .data = text});
    tar_add(out, e);
}

static inline void tar_end(struct strbuf *out)
{
    static const char zeroes[1024];
    strbuf_add(out, zeroes, sizeof(zeroes));
}
