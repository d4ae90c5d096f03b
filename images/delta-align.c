#include "images/delta-align.h"

#include "lib/cleanup.h"
#include "lib/strbuf.h"

#include <string.h>

/* POSIX.1-1988 ustar: what is used of a header. */
#define BLOCK 512
#define NAME_AT 0
#define NAME_LEN 100
#define SIZE_AT 124
#define SIZE_LEN 12
#define TYPE_AT 156
#define MAGIC_AT 257
#define PREFIX_AT 345
#define PREFIX_LEN 155

struct part {
    const unsigned char *name, *prefix; /* NULL: what is before the first file and not a tar */
    uint64_t at, len;
};

struct parts {
    struct part *items;
    size_t count, room;
};

static void parts_release(struct parts *p)
{
    free(p->items);
}

static void add_part(struct parts *p, const unsigned char *header, uint64_t at, uint64_t len)
{
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : 64;
        p->items = xrealloc(p->items, p->room, sizeof(*p->items));
    }
    p->items[p->count++] = (struct part){.name = header ? header + NAME_AT : NULL,
                                         .prefix = header ? header + PREFIX_AT : NULL,
                                         .at = at,
                                         .len = len};
}

static uint64_t read_octal(const unsigned char *text, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len && text[i] >= '0' && text[i] <= '7'; i++)
        value = value * 8 + (uint64_t) (text[i] - '0');
    return value;
}

/* Extended headers (types x and g) belong to the file that follows them. */
static void find_parts(const unsigned char *data, uint64_t len, struct parts *out)
{
    uint64_t begin = 0, at = 0;
    while (len - at >= BLOCK && memcmp(data + at + MAGIC_AT, "ustar", 5) == 0) {
        const unsigned char *header = data + at;
        uint64_t size = read_octal(header + SIZE_AT, SIZE_LEN);
        uint64_t whole = BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
        if (whole > len - at)
            break;
        at += whole;
        if (header[TYPE_AT] != 'x' && header[TYPE_AT] != 'g') {
            add_part(out, header, begin, at - begin);
            begin = at;
        }
    }
    if (begin < len)
        add_part(out, NULL, begin, len - begin);
}

static int same_name(const struct part *a, const struct part *b)
{
    if (!a->name || !b->name)
        return a->name == b->name;
    return memcmp(a->name, b->name, NAME_LEN) == 0 && memcmp(a->prefix, b->prefix, PREFIX_LEN) == 0;
}

/* Files keep their order mostly: the search goes on behind the last one that was found. */
static const struct part *find_part(const struct parts *from, const struct part *like, size_t *next)
{
    for (size_t i = 0; i < from->count; i++) {
        size_t k = (*next + i) % from->count;
        if (same_name(&from->items[k], like)) {
            *next = k + 1;
            return &from->items[k];
        }
    }
    return NULL;
}

size_t delta_align(const unsigned char *from, uint64_t from_len, const unsigned char *to,
                   uint64_t to_len, struct aligned_span **out)
{
    CLEANUP(parts_release) struct parts old = {0};
    CLEANUP(parts_release) struct parts new = {0};
    find_parts(from, from_len, &old);
    find_parts(to, to_len, &new);
    struct aligned_span *spans = xcalloc(new.count + 1, sizeof(*spans));
    size_t next = 0;
    uint64_t behind = 0;
    for (size_t i = 0; i < new.count; i++) {
        const struct part *part = find_part(&old, &new.items[i], &next);
        spans[i] = (struct aligned_span){.to = new.items[i].at, .to_len = new.items[i].len};
        spans[i].from = part ? part->at : behind;
        spans[i].from_len = part ? part->len : 0;
        behind = spans[i].from + spans[i].from_len;
    }
    *out = spans;
    return new.count;
}

uint64_t delta_align_find(const struct aligned_span *spans, size_t count, uint64_t at)
{
    size_t low = 0, high = count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (spans[middle].to <= at)
            low = middle;
        else
            high = middle;
    }
    if (count == 0 || spans[low].to_len == 0)
        return 0;
    const struct aligned_span *s = &spans[low];
    double part = (double) (at - s->to) / (double) s->to_len;
    return s->from + (uint64_t) (part * (double) s->from_len);
}
