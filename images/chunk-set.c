#include "images/chunk-set.h"

#include "lib/strbuf.h"

#include <errno.h>

#define WORD 64

static uint32_t word_count(uint32_t size)
{
    return (size + WORD - 1) / WORD;
}

static uint64_t bit(uint32_t number)
{
    return 1ULL << (number % WORD);
}

void chunk_set_init(struct chunk_set *s, uint32_t size)
{
    *s = (struct chunk_set){.words = xcalloc(word_count(size) + 1, sizeof(*s->words)),
                            .size = size};
}

void chunk_set_release(struct chunk_set *s)
{
    free(s->words);
    *s = (struct chunk_set){0};
}

bool chunk_set_has(const struct chunk_set *s, uint32_t number)
{
    return (s->words[number / WORD] & bit(number)) != 0;
}

void chunk_set_add(struct chunk_set *s, uint32_t number)
{
    s->words[number / WORD] |= bit(number);
}

void chunk_set_remove(struct chunk_set *s, uint32_t number)
{
    s->words[number / WORD] &= ~bit(number);
}

void chunk_set_add_all(struct chunk_set *s, const struct chunk_set *other)
{
    for (uint32_t i = 0; i < word_count(s->size); i++)
        s->words[i] |= other->words[i];
}

void chunk_set_remove_all(struct chunk_set *s, const struct chunk_set *other)
{
    for (uint32_t i = 0; i < word_count(s->size); i++)
        s->words[i] &= ~other->words[i];
}

bool chunk_set_empty(const struct chunk_set *s)
{
    for (uint32_t i = 0; i < word_count(s->size); i++)
        if (s->words[i])
            return false;
    return true;
}

uint32_t chunk_set_first(const struct chunk_set *a, const struct chunk_set *b,
                         const struct chunk_set *without, struct chunk_range range)
{
    uint32_t end = range.first + range.count;
    for (uint32_t at = range.first; at < end; at = (at / WORD + 1) * WORD) {
        uint32_t i = at / WORD;
        uint64_t found = a->words[i] & b->words[i] & ~(bit(at) - 1);
        if (without)
            found &= ~without->words[i];
        uint32_t number = i * WORD + (found ? (uint32_t) __builtin_ctzll(found) : WORD);
        if (found)
            return number < end ? number : end;
    }
    return end;
}

json_t *chunk_set_take(struct chunk_set *s, size_t max)
{
    json_t *ranges = json_array();
    const struct chunk_range all = {0, s->size};
    uint32_t first = chunk_set_first(s, s, NULL, all);
    while (first < s->size && json_array_size(ranges) < max) {
        uint32_t end = first;
        while (end < s->size && chunk_set_has(s, end))
            chunk_set_remove(s, end++);
        json_array_append_new(ranges,
                              json_pack("[I, I]", (json_int_t) first, (json_int_t) (end - first)));
        first = chunk_set_first(s, s, NULL, (struct chunk_range){end, s->size - end});
    }
    return ranges;
}

static bool parse_range(const struct chunk_set *s, const json_t *item, struct chunk_range *out)
{
    const json_t *first = json_array_get(item, 0), *count = json_array_get(item, 1);
    json_int_t f = json_integer_value(first), c = json_integer_value(count);
    if (json_array_size(item) != 2 || !json_is_integer(first) || !json_is_integer(count) || f < 0 ||
        c < 1 || f >= s->size || c > s->size - f)
        return false;
    *out = (struct chunk_range){(uint32_t) f, (uint32_t) c};
    return true;
}

static uint32_t add_range(struct chunk_set *s, struct chunk_range range)
{
    for (uint32_t n = 0; n < range.count; n++)
        chunk_set_add(s, range.first + n);
    return range.count;
}

int chunk_set_parse(struct chunk_set *s, const json_t *ranges, uint64_t *added, struct error *err)
{
    struct chunk_range range;
    uint64_t total = 0;
    if (!json_is_array(ranges))
        return error_set(err, -EPROTO, "chunks are not given as an array of ranges");
    for (size_t i = 0; i < json_array_size(ranges); i++)
        if (!parse_range(s, json_array_get(ranges, i), &range))
            return error_set(err, -EPROTO, "a range of chunks is malformed or out of the bundle");
    for (size_t i = 0; i < json_array_size(ranges); i++) {
        if (parse_range(s, json_array_get(ranges, i), &range))
            total += add_range(s, range);
    }
    if (added)
        *added = total;
    return 0;
}
