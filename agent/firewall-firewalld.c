/* firewalld(1), by firewall-cmd(1): rich rules in the zones that packets from the hosts come to,
 * and the pods' network in the zone "trusted". Zones of our own would take the hosts' other
 * traffic, such as SSH, away from where the user allowed it; a reload would drop what was set at
 * run time. Everything is set twice, for now and permanently. */
#include "agent/firewall.h"
#include "agent/units.h"
#include "lib/process.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UNIT "firewalld.service"
#define TRUSTED "trusted"
#define OUTPUT_MAX (1024 * 1024)
#define TIMEOUT_MS 60000

static bool is_active(const struct firewall_kind *k)
{
    (void) k;
    return unit_is_active(UNIT);
}

static bool is_pods(const struct opening *o)
{
    return strcmp(o->protocol, FIREWALL_PODS) == 0;
}

char *firewall_firewalld_rule(const struct opening *o)
{
    STRBUF(rule, 512);
    strbuf_adds(&rule, "rule family=\"ipv4\"");
    if (strcmp(o->source, FIREWALL_ANYWHERE) != 0)
        strbuf_addf(&rule, " source address=\"%s\"", o->source);
    if (o->first == 0)
        strbuf_addf(&rule, " protocol value=\"%s\"", o->protocol);
    else if (o->first == o->last)
        strbuf_addf(&rule, " port port=\"%u\" protocol=\"%s\"", o->first, o->protocol);
    else
        strbuf_addf(&rule, " port port=\"%u-%u\" protocol=\"%s\"", o->first, o->last, o->protocol);
    strbuf_adds(&rule, " accept");
    return strbuf_steal(&rule);
}

/* The rest of the line "  NAME: REST" of a section, or NULL. */
static const char *rest_of(const char *line, const char *name)
{
    size_t len = strlen(name);
    return strncmp(line, "  ", 2) == 0 && strncmp(line + 2, name, len) == 0 && line[2 + len] == ':'
               ? line + 3 + len
               : NULL;
}

static bool has_word(const char *words, const char *word)
{
    STRV(all);
    strv_split(&all, words, ' ');
    return strv_contains(&all, word);
}

/* "public (default, active)" begins a section. */
static char *section_name(const char *line)
{
    return line[0] != ' ' && line[0] != '\t' ? xstrndup(line, strcspn(line, " ")) : NULL;
}

static void add_zone(struct strv *out, const char *zone)
{
    if (*zone && strcmp(zone, TRUSTED) != 0 && !strv_contains(out, zone))
        strv_add(out, zone);
}

void firewall_firewalld_zones(const char *all, const char *interface, const char *fallback,
                              struct strv *out)
{
    STRV(lines);
    AUTO_FREE char *zone = xstrdup("");
    bool found = false;
    strv_split(&lines, all, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        char *next = section_name(lines.items[i]);
        if (next) {
            free(zone);
            zone = next;
        }
        const char *interfaces = rest_of(lines.items[i], "interfaces");
        const char *sources = rest_of(lines.items[i], "sources");
        bool own = interfaces && has_word(interfaces, interface);
        if (own || (sources && sources[strspn(sources, " ")]))
            add_zone(out, zone);
        found = found || own;
    }
    if (!found)
        add_zone(out, fallback);
}

bool firewall_firewalld_has(const char *all, const struct opening *o)
{
    STRV(lines);
    AUTO_FREE char *rule = firewall_firewalld_rule(o);
    bool here = false;
    strv_split(&lines, all, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = lines.items[i], *sources = rest_of(line, "sources");
        AUTO_FREE char *zone = section_name(line);
        if (zone)
            here = strcmp(zone, o->place) == 0;
        if (here && (is_pods(o) ? sources && has_word(sources, o->source)
                                : line[0] == '\t' && strcmp(line + 1, rule) == 0))
            return true;
    }
    return false;
}

static int ask(const char *when, const char *option, struct strbuf *out, struct error *err)
{
    const char *const argv[] = {"firewall-cmd", option, when, NULL};
    const struct process_options options = {.out = out, .timeout_ms = TIMEOUT_MS};
    return process_run(argv, &options, NULL, err);
}

static int expand(const struct firewall_kind *k, const struct openings *wanted,
                  const char *interface, struct openings *out, struct error *err)
{
    (void) k;
    STRBUF(fallback, OUTPUT_MAX);
    STRBUF(all, OUTPUT_MAX);
    STRV(zones);
    int r = ask(NULL, "--get-default-zone", &fallback, err);
    r = r < 0 ? r : ask(NULL, "--list-all-zones", &all, err);
    if (r < 0)
        return r;
    fallback.data[strcspn(fallback.data, "\n")] = '\0';
    firewall_firewalld_zones(all.data, interface, fallback.data, &zones);
    for (size_t i = 0; i < wanted->count; i++) {
        if (is_pods(&wanted->items[i]))
            openings_add_at(out, &wanted->items[i], TRUSTED);
        for (size_t z = 0; !is_pods(&wanted->items[i]) && z < zones.count; z++)
            if (!openings_add_at(out, &wanted->items[i], zones.items[z]))
                return error_set(err, -EPROTO, "firewalld has a zone of an odd name");
    }
    return 0;
}

static const char *const whens[] = {NULL, "--permanent"};

static int zone_call(const char *program, const char *when, const char *zone,
                     const struct strv *options, struct error *err)
{
    STRV(argv);
    strv_add(&argv, program);
    if (when)
        strv_add(&argv, when);
    strv_addf(&argv, "--zone=%s", zone);
    strv_add_all(&argv, (const char *const *) options->items);
    const struct process_options process = {.timeout_ms = TIMEOUT_MS};
    return process_runv(&argv, &process, NULL, err);
}

static void zones_of(const struct openings *all, struct strv *out)
{
    for (size_t i = 0; i < all->count; i++)
        if (!strv_contains(out, all->items[i].place))
            strv_add(out, all->items[i].place);
}

static int look(const struct firewall_kind *k, const struct openings *all, bool *there,
                struct error *err)
{
    (void) k;
    int r = 0;
    memset(there, true, all->count * sizeof(*there));
    for (size_t w = 0; r >= 0 && w < ARRAY_SIZE(whens); w++) {
        STRBUF(zones, OUTPUT_MAX);
        r = ask(whens[w], "--list-all-zones", &zones, err);
        for (size_t i = 0; r >= 0 && i < all->count; i++)
            there[i] = there[i] && firewall_firewalld_has(zones.data, &all->items[i]);
    }
    return r;
}

static void add_option(const struct opening *o, const char *verb, struct strv *options)
{
    AUTO_FREE char *rule = firewall_firewalld_rule(o);
    if (is_pods(o))
        strv_addf(options, "--%s-source=%s", verb, o->source);
    else
        strv_addf(options, "--%s-rich-rule=%s", verb, rule);
}

/* One call for each zone and time; skip (may be NULL): those that are left alone. What is so
 * already is only a warning to firewall-cmd. */
static int change(const char *program, const char *when, const char *verb,
                  const struct openings *all, const bool *skip, struct error *err)
{
    STRV(zones);
    zones_of(all, &zones);
    int r = 0;
    for (size_t z = 0; r >= 0 && z < zones.count; z++) {
        STRV(options);
        for (size_t i = 0; i < all->count; i++)
            if (!(skip && skip[i]) && strcmp(all->items[i].place, zones.items[z]) == 0)
                add_option(&all->items[i], verb, &options);
        if (options.count > 0)
            r = zone_call(program, when, zones.items[z], &options, err);
    }
    return r;
}

static int open_these(const struct firewall_kind *k, const struct step_context *ctx,
                      const struct openings *all, const bool *there, struct error *err)
{
    (void) k;
    int r = 0;
    step_progress(ctx, 0, 0, "opening ports in firewalld");
    for (size_t w = 0; r >= 0 && w < ARRAY_SIZE(whens); w++)
        r = change("firewall-cmd", whens[w], "add", all, there, err);
    return r;
}

static int close_these(const struct firewall_kind *k, const struct openings *some,
                       struct error *err)
{
    if (!process_in_path("firewall-cmd"))
        return 0;
    if (!is_active(k))
        return change("firewall-offline-cmd", NULL, "remove", some, NULL, err);
    int r = 0;
    for (size_t w = 0; r >= 0 && w < ARRAY_SIZE(whens); w++)
        r = change("firewall-cmd", whens[w], "remove", some, NULL, err);
    return r;
}

const struct firewall_kind firewall_firewalld = {
    .name = "firewalld",
    .is_active = is_active,
    .expand = expand,
    .look = look,
    .open = open_these,
    .close = close_these,
};
