#include "agent/firewall.h"
#include "agent/step.h"

#include "lib/grammar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add_sources(const json_t *rule, struct opening *o, struct openings *out,
                       struct error *err)
{
    json_t *sources = NULL, *item;
    size_t i;
    int r = json_need_array(rule, "sources", &sources, err);
    if (r < 0)
        return r;
    json_array_foreach(sources, i, item) {
        struct opening checked;
        char text[OPENING_TEXT_MAX];
        const char *source = json_is_string(item) ? json_string_value(item) : "";
        if (strlen(source) >= sizeof(o->source))
            return error_set(err, -EINVAL, "sources: expected IPv4 addresses and networks");
        snprintf(o->source, sizeof(o->source), "%s", source);
        opening_text(o, text);
        if (!opening_parse(text, &checked))
            return error_set(err, -EINVAL, "rules: not a port, protocol and source: %s", text);
        if (out->count >= FIREWALL_SOURCES_MAX)
            return error_set(err, -E2BIG, "rules: more than %d", FIREWALL_SOURCES_MAX);
        openings_add(out, &checked);
    }
    return 0;
}

static int add_rule(const json_t *rule, struct openings *out, struct error *err)
{
    struct opening o = {0};
    const char *protocol;
    int64_t first, last;
    int r = json_need_string(rule, "protocol", &protocol, err);
    r = r < 0 ? r : json_need_int(rule, "first", &first, err);
    r = r < 0 ? r : json_need_int(rule, "last", &last, err);
    if (r < 0)
        return r;
    if (strlen(protocol) >= sizeof(o.protocol) || strcmp(protocol, FIREWALL_PODS) == 0 ||
        first < 0 || first > 65535 || last < 0 || last > 65535)
        return error_set(err, -EINVAL, "rules: no such protocol or port");
    snprintf(o.protocol, sizeof(o.protocol), "%s", protocol);
    o.first = (unsigned) first;
    o.last = (unsigned) last;
    return add_sources(rule, &o, out, err);
}

static int need_params(const json_t *params, const char **interface, struct openings *out,
                       struct error *err)
{
    json_t *rules = NULL, *rule;
    const char *pods;
    uint32_t network;
    unsigned prefix;
    size_t i;
    int r = json_need_string(params, "interface", interface, err);
    r = r < 0 ? r : json_need_string(params, "pods", &pods, err);
    r = r < 0 ? r : json_need_array(params, "rules", &rules, err);
    if (r < 0)
        return r;
    if (!grammar_interface(*interface) || !grammar_cidr4(pods, &network, &prefix) || prefix == 0)
        return error_set(err, -EINVAL, "interface, pods: expected a link and an IPv4 network");
    struct opening all_of_pods = {.protocol = FIREWALL_PODS};
    snprintf(all_of_pods.source, sizeof(all_of_pods.source), "%s", pods);
    openings_add(out, &all_of_pods);
    json_array_foreach(rules, i, rule) {
        r = add_rule(rule, out, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* What is to be in one firewall: all of it, what is there of it, and what is there of ours beside
 * it. */
struct work {
    const struct firewall_kind *kind;
    struct openings all, stale;
    bool *there;
    size_t missing;
};

static void work_release(struct work *w)
{
    openings_release(&w->all);
    openings_release(&w->stale);
    free(w->there);
}
#define AUTO_WORK CLEANUP(work_release) struct work

/* Recorded by an earlier step, not wanted any more, and still open: a host that left. */
static int find_stale(const struct step_context *ctx, struct work *w, struct error *err)
{
    AUTO_OPENINGS recorded = {0};
    AUTO_OPENINGS unwanted = {0};
    firewall_recorded(ctx->ledger, w->kind, &recorded);
    for (size_t i = 0; i < recorded.count; i++)
        if (!openings_has(&w->all, &recorded.items[i]))
            openings_add(&unwanted, &recorded.items[i]);
    if (unwanted.count == 0)
        return 0;
    AUTO_FREE bool *there = xcalloc(unwanted.count, sizeof(*there));
    int r = w->kind->look(w->kind, &unwanted, there, err);
    for (size_t i = 0; r >= 0 && i < unwanted.count; i++)
        if (there[i])
            openings_add(&w->stale, &unwanted.items[i]);
    return r;
}

static int look(const struct step_context *ctx, const char *interface,
                const struct openings *wanted, struct work *w, struct error *err)
{
    int r = w->kind->expand(w->kind, wanted, interface, &w->all, err);
    if (r < 0)
        return r;
    w->there = xcalloc(w->all.count + 1, sizeof(*w->there));
    if (!w->kind->stays || w->kind->stays(w->kind, &w->all))
        r = w->kind->look(w->kind, &w->all, w->there, err);
    for (size_t i = 0; r >= 0 && i < w->all.count; i++)
        w->missing += !w->there[i];
    return r < 0 ? r : find_stale(ctx, w, err);
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    const struct firewall_kind *kinds[FIREWALL_KINDS];
    size_t count = firewall_active(kinds), before = differences->count;
    AUTO_OPENINGS wanted = {0};
    const char *interface;
    int r = need_params(params, &interface, &wanted, err);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        AUTO_WORK w = {.kind = kinds[i]};
        r = look(ctx, interface, &wanted, &w, err);
        if (r >= 0) {
            openings_tell(&w.all, w.there, "open", kinds[i]->name, differences);
            openings_tell(&w.stale, NULL, "close", kinds[i]->name, differences);
        }
    }
    return r < 0 ? r : differences->count == before;
}

static int change(const struct step_context *ctx, const struct work *w, struct error *err)
{
    int r = 0;
    for (size_t i = 0; r >= 0 && i < w->all.count; i++)
        if (!w->there[i])
            r = firewall_record(ctx->ledger, w->kind, &w->all.items[i], err);
    if (r >= 0 && w->stale.count > 0)
        r = w->kind->close(w->kind, &w->stale, err);
    return r >= 0 && w->missing > 0 ? w->kind->open(w->kind, ctx, &w->all, w->there, err) : r;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    const struct firewall_kind *kinds[FIREWALL_KINDS];
    size_t count = firewall_active(kinds);
    AUTO_OPENINGS wanted = {0};
    const char *interface;
    int r = need_params(params, &interface, &wanted, err);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        AUTO_WORK w = {.kind = kinds[i]};
        r = look(ctx, interface, &wanted, &w, err);
        r = r < 0 ? r : change(ctx, &w, err);
        if (r < 0)
            error_prefix(err, "%s", kinds[i]->name);
    }
    return r;
}

const struct step step_firewall = {.name = "firewall", .check = check, .apply = apply};
