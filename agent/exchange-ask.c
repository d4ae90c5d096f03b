#include "agent/exchange-state.h"

#include "lib/clock.h"

#include <string.h>

#define OVERDUE_MS 1000 /* then another peer that idles is asked as well */
#define ASKERS_MAX 2

static void remove_ask(struct exchange *x, struct link *l, size_t i)
{
    uint32_t chunk = l->asks[i].chunk;
    if (i < l->ask_sent)
        l->ask_sent--;
    l->ask_count--;
    memmove(&l->asks[i], &l->asks[i + 1], (l->ask_count - i) * sizeof l->asks[0]);
    x->askers[chunk]--;
    if (x->askers[chunk] == 0 && !chunk_set_has(chunk_store_have(x->store), chunk))
        chunk_set_remove(&x->settled, chunk);
    x->ask_again = true;
}

bool asks_take(struct exchange *x, struct link *l, uint32_t number, int64_t *asked_at)
{
    for (size_t i = 0; i < l->ask_sent; i++)
        if (l->asks[i].chunk == number) {
            *asked_at = l->asks[i].at;
            remove_ask(x, l, i);
            return true;
        }
    return false;
}

void asks_forget(struct exchange *x, struct link *l)
{
    while (l->ask_count > 0)
        remove_ask(x, l, 0);
}

static void ask(struct exchange *x, struct link *l, uint32_t chunk, int64_t now)
{
    l->asks[l->ask_count++] = (struct ask){chunk, now};
    x->askers[chunk]++;
    chunk_set_add(&x->settled, chunk);
}

/* The first chunk in the order of what is wanted that the peer has and nobody owes. */
static bool find_next(const struct exchange *x, const struct link *l, uint32_t *chunk)
{
    struct chunk_range range;
    for (size_t i = 0; wants_range(x->wants, i, &range); i++) {
        *chunk = chunk_set_first(wants_chunks(x->wants), &l->has, &x->settled, range);
        if (*chunk < range.first + range.count)
            return true;
    }
    return false;
}

static bool owes(const struct link *l, uint32_t chunk)
{
    for (size_t i = 0; i < l->ask_count; i++)
        if (l->asks[i].chunk == chunk)
            return true;
    return false;
}

/* What somebody else has owed for too long. */
static bool find_overdue(const struct exchange *x, const struct link *l, int64_t now,
                         uint32_t *chunk)
{
    int64_t oldest = now - OVERDUE_MS;
    bool found = false;
    for (const struct link *other = x->links; other; other = other->next)
        for (size_t i = 0; i < other->ask_count; i++) {
            const struct ask *a = &other->asks[i];
            if (a->at > oldest || x->askers[a->chunk] >= ASKERS_MAX ||
                chunk_set_has(&x->known, a->chunk) || !chunk_set_has(&l->has, a->chunk) ||
                owes(l, a->chunk))
                continue;
            oldest = a->at;
            *chunk = a->chunk;
            found = true;
        }
    return found;
}

/* One chunk a round and link, so that the first link does not get them all. */
static bool ask_round(struct exchange *x, int64_t now)
{
    bool any = false;
    uint32_t chunk = 0;
    for (struct link *l = x->links; l; l = l->next) {
        if (!l->open || l->over || !l->greeted || l->ask_count >= l->window)
            continue;
        if (find_next(x, l, &chunk) || (l->ask_count == 0 && find_overdue(x, l, now, &chunk))) {
            ask(x, l, chunk, now);
            any = true;
        }
    }
    return any;
}

void asks_turn(struct exchange *x, int64_t now)
{
    if (!x->looked || (!x->ask_again && now - x->asked_at < OVERDUE_MS / 4))
        return;
    x->ask_again = false;
    x->asked_at = now;
    while (ask_round(x, now))
        continue;
}
