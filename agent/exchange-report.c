#include "agent/exchange-state.h"

#include "lib/clock.h"

/* Of each message, so that it stays below PROTOCOL_JSON_MAX: 75 bytes a digest, 11 a number, some
 * 250 a peer. */
#define DIGESTS_MAX 150
#define DAMAGED_MAX 200
#define DROPPED_MAX 16

static bool has_dropped(const struct exchange *x)
{
    for (size_t i = 0; i < x->peer_count; i++)
        if (x->peers[i].why[0])
            return true;
    return false;
}

bool report_has_news(const struct exchange *x)
{
    return x->watch_new || x->peers_changed || x->done_told < wants_done(x->wants)->count ||
           json_array_size(x->damaged) > 0 || has_dropped(x) || !chunk_set_empty(&x->have_news) ||
           !chunk_set_empty(&x->want_news);
}

static void add_array(json_t *to, const char *key, json_t *items)
{
    if (json_array_size(items) > 0)
        json_object_set(to, key, items);
    json_decref(items);
}

static json_t *take_done(struct exchange *x)
{
    const struct strv *done = wants_done(x->wants);
    json_t *list = json_array();
    while (x->done_told < done->count && json_array_size(list) < DIGESTS_MAX)
        json_array_append_new(list, json_string(done->items[x->done_told++]));
    return list;
}

static json_t *take_damaged(struct exchange *x)
{
    json_t *list = json_array();
    while (json_array_size(x->damaged) > 0 && json_array_size(list) < DAMAGED_MAX) {
        json_array_append(list, json_array_get(x->damaged, 0));
        json_array_remove(x->damaged, 0);
    }
    return list;
}

static json_t *take_dropped(struct exchange *x)
{
    json_t *list = json_array();
    for (size_t i = 0; i < x->peer_count && json_array_size(list) < DROPPED_MAX; i++) {
        struct peer *p = &x->peers[i];
        if (!p->why[0])
            continue;
        json_array_append_new(list, json_pack("{s:s, s:s}", "id", p->id, "why", p->why));
        p->why[0] = '\0';
    }
    return list;
}

static json_t *connected(const struct exchange *x)
{
    json_t *list = json_array();
    for (size_t i = 0; i < x->peer_count; i++)
        if (x->peers[i].link && x->peers[i].link->greeted)
            json_array_append_new(list, json_string(x->peers[i].id));
    return list;
}

static json_t *make_report(struct exchange *x)
{
    json_t *report = json_object();
    chunk_set_remove_all(&x->want_news, &x->known); /* came meanwhile */
    add_array(report, "have", chunk_set_take(&x->have_news, RANGES_MAX));
    add_array(report, "want", chunk_set_take(&x->want_news, RANGES_MAX));
    add_array(report, "blobs", take_done(x));
    if (!chunk_set_empty(&x->have_news) || x->done_told < wants_done(x->wants)->count)
        json_object_set_new(report, "more", json_true());
    add_array(report, "damaged", take_damaged(x));
    add_array(report, "dropped", take_dropped(x));
    if (x->peers_changed)
        json_object_set_new(report, "peers", connected(x));
    x->peers_changed = x->watch_new = false;
    return report;
}

void report_turn(struct exchange *x, int64_t now)
{
    bool at_once = x->watch_new || x->acknowledge >= EXCHANGE_WINDOW / 2;
    /* Half of what is here would have the coordinator send the other half. */
    if (x->watch_new && x->looking)
        return;
    if (x->watch == 0 || (!at_once && now - x->reported_at < EXCHANGE_REPORT_MS) ||
        !report_has_news(x))
        return;
    x->reported_at = now;
    x->acknowledge = 0;
    x->events.progress(x->events.userdata, x->watch, make_report(x));
}

void report_all(struct exchange *x)
{
    chunk_set_add_all(&x->have_news, &x->known);
    chunk_set_add_all(&x->want_news, &x->want_known);
    x->done_told = 0;
    x->peers_changed = x->watch_new = true;
}
