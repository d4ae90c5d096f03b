/* nft(8) without a manager. An accept in a table of ours would not outweigh a drop in another, so
 * our rules go to the head of the very chains that drop; each carries its mark as a comment. */
#include "agent/firewall.h"
#include "lib/process.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OUTPUT_MAX (64u << 20) /* bytes; sets may be large */
#define SCRIPT_MAX (4u << 20)
#define TIMEOUT_MS 60000
#define JUMPS_MAX 8
#define VRRP_NUMBER 112

static json_t *list(const char *what, const char *family, const char *name, struct error *err)
{
    STRBUF(out, OUTPUT_MAX);
    const char *const argv[] = {"nft", "-j", "list", what, family, name, NULL};
    const struct process_options options = {.out = &out, .timeout_ms = TIMEOUT_MS};
    if (process_run(argv, &options, NULL, err) < 0)
        return NULL;
    if (strbuf_full(&out)) {
        error_set(err, -E2BIG, "nft lists too much");
        return NULL;
    }
    return json_parse(out.data, out.len, "nft -j list", err);
}

static bool is_in(const json_t *object, const char *family, const char *table)
{
    return strcmp(json_get_string(object, "family", ""), family) == 0 &&
           strcmp(json_get_string(object, "table", ""), table) == 0;
}

/* Whether a packet may get past this part of a rule without being looked at. */
static bool is_no_condition(const json_t *part)
{
    return json_object_get(part, "counter") || json_object_get(part, "log");
}

static bool chain_drops(const json_t *items, const char *family, const char *table,
                        const char *chain, int depth);

/* The verdict of an unconditional rule is a drop, or leads to one. */
static bool rule_drops(const json_t *items, const json_t *rule, int depth)
{
    size_t i;
    json_t *part;
    json_array_foreach(json_object_get(rule, "expr"), i, part) {
        if (json_object_get(part, "drop") || json_object_get(part, "reject"))
            return true;
        const json_t *jump = json_object_get(part, "jump");
        jump = jump ? jump : json_object_get(part, "goto");
        if (jump)
            return depth > 0 && chain_drops(items, json_get_string(rule, "family", ""),
                                            json_get_string(rule, "table", ""),
                                            json_get_string(jump, "target", ""), depth - 1);
        if (!is_no_condition(part))
            return false;
    }
    return false;
}

static bool chain_drops(const json_t *items, const char *family, const char *table,
                        const char *chain, int depth)
{
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item) {
        const json_t *rule = json_object_get(item, "rule");
        if (rule && is_in(rule, family, table) &&
            strcmp(json_get_string(rule, "chain", ""), chain) == 0 &&
            rule_drops(items, rule, depth))
            return true;
    }
    return false;
}

static bool is_closing(const json_t *items, const json_t *chain)
{
    return strcmp(json_get_string(chain, "policy", ""), "drop") == 0 ||
           chain_drops(items, json_get_string(chain, "family", ""),
                       json_get_string(chain, "table", ""), json_get_string(chain, "name", ""),
                       JUMPS_MAX);
}

static bool carries_ipv4(const json_t *chain)
{
    const char *family = json_get_string(chain, "family", "");
    return strcmp(family, "ip") == 0 || strcmp(family, "inet") == 0;
}

void firewall_nft_closing(const json_t *ruleset, struct strv *input, struct strv *forward)
{
    const json_t *items = json_object_get(ruleset, "nftables");
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item) {
        const json_t *chain = json_object_get(item, "chain");
        const char *hook = json_get_string(chain, "hook", "");
        bool is_input = strcmp(hook, "input") == 0;
        if ((!is_input && strcmp(hook, "forward") != 0) || !carries_ipv4(chain) ||
            !is_closing(items, chain))
            continue;
        strv_addf(is_input ? input : forward, "%s %s %s", json_get_string(chain, "family", ""),
                  json_get_string(chain, "table", ""), json_get_string(chain, "name", ""));
    }
}

/* iptables-nft keeps its chains here, and another kind sees to them. */
static bool is_of_iptables(const json_t *chain)
{
    const char *name = json_get_string(chain, "name", "");
    return is_in(chain, "ip", "filter") &&
           (strcmp(name, "INPUT") == 0 || strcmp(name, "FORWARD") == 0) &&
           process_in_path("iptables-nft-save");
}

/* Tables with a base chain that may drop: only these are listed with their rules. */
static void find_tables(const json_t *chains, struct strv *out)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(chains, "nftables"), i, item) {
        const json_t *chain = json_object_get(item, "chain");
        const char *hook = json_get_string(chain, "hook", "");
        if ((strcmp(hook, "input") != 0 && strcmp(hook, "forward") != 0) || !carries_ipv4(chain) ||
            is_of_iptables(chain))
            continue;
        AUTO_FREE char *table = xasprintf("%s %s", json_get_string(chain, "family", ""),
                                          json_get_string(chain, "table", ""));
        if (!strv_contains(out, table))
            strv_add(out, table);
    }
}

static json_t *list_table(const char *family_and_name, struct error *err)
{
    STRV(words);
    strv_split(&words, family_and_name, ' ');
    if (words.count != 2 || words.items[0][0] == '-' || words.items[1][0] == '-') {
        error_set(err, -EPROTO, "nft has a table of an odd name");
        return NULL;
    }
    return list("table", words.items[0], words.items[1], err);
}

static int closing(struct strv *input, struct strv *forward, struct error *err)
{
    STRV(tables);
    AUTO_JSON *chains = list("chains", NULL, NULL, err);
    if (!chains)
        return -EPROTO;
    find_tables(chains, &tables);
    for (size_t i = 0; i < tables.count; i++) {
        AUTO_JSON *table = list_table(tables.items[i], err);
        if (!table)
            return -EPROTO;
        firewall_nft_closing(table, input, forward);
    }
    return 0;
}

static bool is_active(const struct firewall_kind *k)
{
    (void) k;
    STRV(input);
    STRV(forward);
    return process_in_path("nft") && closing(&input, &forward, NULL) == 0 &&
           input.count + forward.count > 0;
}

/* "forward:inet filter last" */
#define FORWARD_MARK "forward "

static int add_at_all(struct openings *out, const struct opening *o, const char *mark,
                      const struct strv *chains, struct error *err)
{
    for (size_t i = 0; i < chains->count; i++) {
        AUTO_FREE char *place = xasprintf("%s%s", mark, chains->items[i]);
        if (!openings_add_at(out, o, place))
            return error_set(err, -EPROTO, "nft has a chain of an odd name");
    }
    return 0;
}

static int expand(const struct firewall_kind *k, const struct openings *wanted,
                  const char *interface, struct openings *out, struct error *err)
{
    (void) k;
    (void) interface;
    STRV(input);
    STRV(forward);
    int r = closing(&input, &forward, err);
    for (size_t i = 0; r >= 0 && i < wanted->count; i++) {
        r = add_at_all(out, &wanted->items[i], "", &input, err);
        if (r >= 0 && strcmp(wanted->items[i].protocol, FIREWALL_PODS) == 0)
            r = add_at_all(out, &wanted->items[i], FORWARD_MARK, &forward, err);
    }
    return r;
}

static bool is_forward(const struct opening *o)
{
    return strncmp(o->place, FORWARD_MARK, strlen(FORWARD_MARK)) == 0;
}

static const char *chain_of(const struct opening *o)
{
    return is_forward(o) ? o->place + strlen(FORWARD_MARK) : o->place;
}

static void add_match(const struct opening *o, struct strbuf *out)
{
    if (strcmp(o->source, FIREWALL_ANYWHERE) != 0)
        strbuf_addf(out, " ip saddr %s", o->source);
    if (o->first > 0)
        strbuf_addf(out, " %s dport %u-%u", o->protocol, o->first, o->last);
    else if (strcmp(o->protocol, FIREWALL_PODS) != 0)
        strbuf_addf(out, " meta l4proto %d", VRRP_NUMBER);
}

void firewall_nft_script(const struct openings *all, struct strbuf *out)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct opening *o = &all->items[i];
        char mark[OPENING_TEXT_MAX];
        opening_mark(o, mark);
        strbuf_addf(out, "insert rule %s", chain_of(o));
        add_match(o, out);
        strbuf_addf(out, " counter accept comment \"%s\"\n", mark);
        if (is_forward(o)) /* answers to pods */
            strbuf_addf(out,
                        "insert rule %s ip daddr %s ct state established,related counter accept "
                        "comment \"%s\"\n",
                        chain_of(o), o->source, mark);
    }
}

/* "FAMILY TABLE CHAIN MARK" of each: comparing these is quick also for thousands. */
static void keys_of(const struct openings *all, struct strv *keys)
{
    for (size_t i = 0; i < all->count; i++) {
        char mark[OPENING_TEXT_MAX];
        opening_mark(&all->items[i], mark);
        strv_addf(keys, "%s %s", chain_of(&all->items[i]), mark);
    }
}

/* The same of a rule; the caller frees. */
static char *key_of_rule(const json_t *rule)
{
    return xasprintf("%s %s %s %s", json_get_string(rule, "family", ""),
                     json_get_string(rule, "table", ""), json_get_string(rule, "chain", ""),
                     json_get_string(rule, "comment", ""));
}

/* What there is in the tables of these openings' chains; a table that is gone is left out. */
static json_t *rules_around(const struct openings *all)
{
    STRV(tables);
    json_t *rules = json_array();
    for (size_t i = 0; i < all->count; i++) {
        const char *chain = chain_of(&all->items[i]), *end = strrchr(chain, ' ');
        AUTO_FREE char *table = xstrndup(chain, end ? (size_t) (end - chain) : 0);
        if (strv_contains(&tables, table))
            continue;
        strv_add(&tables, table);
        AUTO_JSON *listed = list_table(table, NULL);
        size_t k;
        json_t *item;
        json_array_foreach(json_object_get(listed, "nftables"), k, item)
            if (json_object_get(item, "rule"))
                json_array_append(rules, json_object_get(item, "rule"));
    }
    return rules;
}

static int look(const struct firewall_kind *k, const struct openings *all, bool *there,
                struct error *err)
{
    (void) err;
    (void) k;
    STRV(found);
    STRV(keys);
    AUTO_JSON *rules = rules_around(all);
    size_t n;
    json_t *rule;
    json_array_foreach(rules, n, rule) {
        AUTO_FREE char *key = key_of_rule(rule);
        strv_add(&found, key);
    }
    keys_of(all, &keys);
    for (size_t i = 0; i < all->count; i++)
        there[i] = strv_contains(&found, keys.items[i]);
    return 0;
}

static int run_script(const struct strbuf *script, struct error *err)
{
    static const char *const argv[] = {"nft", "-f", "-", NULL};
    const struct process_options options = {
        .stdin_data = script->data, .stdin_len = script->len, .timeout_ms = TIMEOUT_MS};
    return script->len > 0 ? process_run(argv, &options, NULL, err) : 0;
}

static int close_these(const struct firewall_kind *k, const struct openings *some,
                       struct error *err)
{
    (void) k;
    STRBUF(script, SCRIPT_MAX);
    if (!process_in_path("nft"))
        return 0;
    STRV(keys);
    AUTO_JSON *rules = rules_around(some);
    size_t n;
    json_t *rule;
    keys_of(some, &keys);
    json_array_foreach(rules, n, rule) {
        AUTO_FREE char *key = key_of_rule(rule);
        if (strv_contains(&keys, key))
            strbuf_addf(&script, "delete rule %s %s %s handle %" PRId64 "\n",
                        json_get_string(rule, "family", ""), json_get_string(rule, "table", ""),
                        json_get_string(rule, "chain", ""), json_get_int(rule, "handle", 0));
    }
    return run_script(&script, err);
}

const struct firewall_kind firewall_nftables = {
    .name = "nftables",
    .is_active = is_active,
    .expand = expand,
    .look = look,
    .stays = firewall_boot_stays,
    .open = firewall_boot_open,
    .close = close_these,
    .script = firewall_nft_script,
    .loader = "nft -f",
};
