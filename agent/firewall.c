#include "agent/firewall.h"

#include "lib/grammar.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD "firewall"
#define TELL_MAX 4096 /* bytes of a line's sources */

static const struct firewall_kind *const managers[] = {&firewall_firewalld, &firewall_ufw};
static const struct firewall_kind *const filters[] = {&firewall_nftables, &firewall_iptables_nft,
                                                      &firewall_iptables_legacy};

void opening_text(const struct opening *o, char out[OPENING_TEXT_MAX])
{
    snprintf(out, OPENING_TEXT_MAX, "%s:%u-%u:%s:%s", o->protocol, o->first, o->last, o->source,
             o->place);
}

void opening_mark(const struct opening *o, char out[OPENING_TEXT_MAX])
{
    snprintf(out, OPENING_TEXT_MAX, OPENING_MARK "%s:%u-%u:%s", o->protocol, o->first, o->last,
             o->source);
}

static bool is_protocol(const char *name)
{
    static const char *const known[] = {"tcp", "udp", "vrrp", FIREWALL_PODS};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (strcmp(known[i], name) == 0)
            return true;
    return false;
}

static bool has_ports(const char *protocol)
{
    return strcmp(protocol, "tcp") == 0 || strcmp(protocol, "udp") == 0;
}

static bool is_source(const char *text)
{
    uint32_t network;
    unsigned prefix;
    return grammar_ipv4(text) || grammar_cidr4(text, &network, &prefix);
}

/* Zones and chains, as their programs name them; what they print may be anything. */
static bool is_place(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.- ";
    return strspn(text, allowed) == strlen(text) && text[0] != '-' && !strstr(text, " -");
}

static bool is_valid(const struct opening *o)
{
    bool ports = has_ports(o->protocol);
    return is_protocol(o->protocol) && is_source(o->source) && is_place(o->place) &&
           (ports ? o->first > 0 && o->first <= o->last && o->last <= 65535
                  : o->first == 0 && o->last == 0);
}

bool opening_parse(const char *text, struct opening *out)
{
    struct opening o = {0};
    char again[OPENING_TEXT_MAX];
    int place = 0;
    if (sscanf(text, "%7[a-z]:%5u-%5u:%19[0-9./]:%n", o.protocol, &o.first, &o.last, o.source,
               &place) != 4 ||
        place == 0 || strlen(text + place) >= sizeof(o.place))
        return false;
    snprintf(o.place, sizeof(o.place), "%s", text + place);
    opening_text(&o, again);
    if (strcmp(again, text) != 0 || !is_valid(&o))
        return false;
    *out = o;
    return true;
}

void openings_release(struct openings *o)
{
    free(o->items);
    *o = (struct openings){0};
}

void openings_add(struct openings *o, const struct opening *item)
{
    o->items = xrealloc(o->items, o->count + 1, sizeof(*o->items));
    o->items[o->count++] = *item;
}

bool openings_add_at(struct openings *o, const struct opening *item, const char *place)
{
    struct opening copy = *item;
    if (strlen(place) >= sizeof(copy.place) || !is_place(place))
        return false;
    snprintf(copy.place, sizeof(copy.place), "%s", place);
    openings_add(o, &copy);
    return true;
}

static bool same_ports(const struct opening *a, const struct opening *b)
{
    return strcmp(a->protocol, b->protocol) == 0 && a->first == b->first && a->last == b->last &&
           strcmp(a->place, b->place) == 0;
}

bool openings_has(const struct openings *o, const struct opening *item)
{
    for (size_t i = 0; i < o->count; i++)
        if (same_ports(&o->items[i], item) && strcmp(o->items[i].source, item->source) == 0)
            return true;
    return false;
}

static void describe(const struct opening *o, struct strbuf *out)
{
    if (strcmp(o->protocol, FIREWALL_PODS) == 0)
        strbuf_adds(out, "all traffic of pods");
    else if (o->first == 0)
        strbuf_adds(out, o->protocol);
    else if (o->first == o->last)
        strbuf_addf(out, "%s port %u", o->protocol, o->first);
    else
        strbuf_addf(out, "%s ports %u-%u", o->protocol, o->first, o->last);
}

static const char *source_words(const struct opening *o)
{
    return strcmp(o->source, FIREWALL_ANYWHERE) == 0 ? "everywhere" : o->source;
}

void openings_tell(const struct openings *o, const bool *skip, const char *verb, const char *name,
                   struct strv *out)
{
    for (size_t i = 0, next; i < o->count; i = next) {
        const struct opening *first = &o->items[i];
        STRBUF(sources, TELL_MAX);
        for (next = i; next < o->count && same_ports(first, &o->items[next]); next++)
            if (!skip || !skip[next])
                strbuf_addf(&sources, "%s%s", sources.len ? ", " : "",
                            source_words(&o->items[next]));
        if (sources.len == 0)
            continue;
        STRBUF(ports, OPENING_TEXT_MAX);
        describe(first, &ports);
        strv_addf(out, "%s %s from %s in %s%s%s", verb, ports.data, sources.data, name,
                  *first->place ? ", " : "", first->place);
    }
}

size_t firewall_active(const struct firewall_kind *out[FIREWALL_KINDS])
{
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(managers); i++)
        if (managers[i]->is_active(managers[i]))
            out[count++] = managers[i];
    for (size_t i = 0, n = count; n == 0 && i < ARRAY_SIZE(filters); i++)
        if (filters[i]->is_active(filters[i]))
            out[count++] = filters[i];
    return count;
}

json_t *firewall_facts(void)
{
    const struct firewall_kind *kinds[FIREWALL_KINDS];
    size_t count = firewall_active(kinds);
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(names, json_string(kinds[i]->name));
    return names;
}

/* "ufw tcp:…" */
static bool parse_name(const char *name, const struct firewall_kind *k, struct opening *out)
{
    size_t len = strlen(k->name);
    return strncmp(name, k->name, len) == 0 && name[len] == ' ' &&
           opening_parse(name + len + 1, out);
}

void firewall_recorded(const struct ledger *l, const struct firewall_kind *k, struct openings *out)
{
    size_t i;
    json_t *record;
    json_array_foreach(ledger_records(l), i, record) {
        struct opening o;
        if (strcmp(json_get_string(record, "kind", ""), RECORD) == 0 &&
            parse_name(json_get_string(record, "name", ""), k, &o))
            openings_add(out, &o);
    }
}

int firewall_record(struct ledger *l, const struct firewall_kind *k, const struct opening *o,
                    struct error *err)
{
    char text[OPENING_TEXT_MAX];
    opening_text(o, text);
    AUTO_FREE char *name = xasprintf("%s %s", k->name, text);
    return ledger_will_appear(l, RECORD, name, err);
}

static int undo_kind(const struct firewall_kind *k, const struct strv *names, struct error *err)
{
    AUTO_OPENINGS some = {0};
    for (size_t i = 0; i < names->count; i++) {
        struct opening o;
        if (parse_name(names->items[i], k, &o))
            openings_add(&some, &o);
    }
    return some.count > 0 ? k->close(k, &some, err) : 0;
}

int firewall_undo(const struct strv *names, struct error *err)
{
    int result = 0;
    for (size_t i = 0; i < ARRAY_SIZE(managers) + ARRAY_SIZE(filters); i++) {
        const struct firewall_kind *k = i < ARRAY_SIZE(managers)
                                            ? managers[i]
                                            : filters[i - ARRAY_SIZE(managers)];
        int r = undo_kind(k, names, result < 0 ? NULL : err);
        if (r < 0 && result == 0)
            result = error_prefix(err, "close what was opened in %s", k->name);
    }
    return result;
}
