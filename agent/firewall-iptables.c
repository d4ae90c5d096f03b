/* iptables(8) without a manager, in both of its forms: rules at the head of the chains that drop,
 * each with its mark as a comment. */
#include "agent/firewall.h"
#include "lib/fd.h"
#include "lib/process.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <string.h>

#define SAVE_MAX (64u << 20) /* bytes; kube-proxy writes a lot on large clusters */
#define SCRIPT_MAX (4u << 20)
#define NAMES_MAX 4096
#define TIMEOUT_MS 60000
#define JUMPS_MAX 8
#define LEGACY_TABLES "/proc/net/ip_tables_names"

/* Chains that Kubernetes' parts fill: what these drop is theirs to decide. */
static bool is_of_cluster(const char *chain)
{
    static const char *const prefixes[] = {"KUBE-", "CNI-", "FLANNEL", "cali-"};
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
        if (strncmp(chain, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* The rest of "-A CHAIN REST" when it begins with a verdict: "-j X …" or "-g X …". */
static const char *target_of(const char *rule)
{
    return strncmp(rule, "-j ", 3) == 0 || strncmp(rule, "-g ", 3) == 0 ? rule + 3 : NULL;
}

static bool chain_drops(const struct strv *lines, const char *chain, int depth)
{
    AUTO_FREE char *prefix = xasprintf("-A %s ", chain);
    size_t len = strlen(prefix);
    for (size_t i = 0; i < lines->count; i++) {
        const char *target = strncmp(lines->items[i], prefix, len) == 0
                                 ? target_of(lines->items[i] + len)
                                 : NULL;
        if (!target)
            continue;
        AUTO_FREE char *name = xstrndup(target, strcspn(target, " "));
        if (strcmp(name, "DROP") == 0 || strcmp(name, "REJECT") == 0)
            return true;
        if (depth > 0 && !is_of_cluster(name) && chain_drops(lines, name, depth - 1))
            return true;
    }
    return false;
}

bool firewall_iptables_closes(const char *save, const char *chain)
{
    STRV(lines);
    strv_split(&lines, save, '\n');
    AUTO_FREE char *policy = xasprintf(":%s DROP", chain);
    for (size_t i = 0; i < lines.count; i++)
        if (strncmp(lines.items[i], policy, strlen(policy)) == 0)
            return true;
    return chain_drops(&lines, chain, JUMPS_MAX);
}

/* Asking for a table of the older form makes the kernel load it: only what is there is asked for.
 */
static bool may_ask(const struct firewall_kind *k)
{
    STRBUF(names, NAMES_MAX);
    AUTO_FREE char *program = xasprintf("%s-save", k->name);
    if (!process_in_path(program))
        return false;
    return strcmp(k->name, "iptables-legacy") != 0 ||
           (file_read(LEGACY_TABLES, &names, NULL) == 0 && strstr(names.data, "filter"));
}

static int save_filter(const struct firewall_kind *k, struct strbuf *out, struct error *err)
{
    AUTO_FREE char *program = xasprintf("%s-save", k->name);
    const char *const argv[] = {program, "-t", "filter", NULL};
    const struct process_options options = {.out = out, .timeout_ms = TIMEOUT_MS};
    int r = process_run(argv, &options, NULL, err);
    return r == 0 && strbuf_full(out) ? error_set(err, -E2BIG, "%s gives too many rules", program)
                                      : r;
}

static bool is_active(const struct firewall_kind *k)
{
    STRBUF(save, SAVE_MAX);
    return may_ask(k) && save_filter(k, &save, NULL) == 0 &&
           (firewall_iptables_closes(save.data, "INPUT") ||
            firewall_iptables_closes(save.data, "FORWARD"));
}

static int expand(const struct firewall_kind *k, const struct openings *wanted,
                  const char *interface, struct openings *out, struct error *err)
{
    (void) interface;
    STRBUF(save, SAVE_MAX);
    int r = save_filter(k, &save, err);
    if (r < 0)
        return r;
    bool input = firewall_iptables_closes(save.data, "INPUT"),
         forward = firewall_iptables_closes(save.data, "FORWARD");
    for (size_t i = 0; i < wanted->count; i++) {
        if (input)
            openings_add_at(out, &wanted->items[i], "INPUT");
        if (forward && strcmp(wanted->items[i].protocol, FIREWALL_PODS) == 0)
            openings_add_at(out, &wanted->items[i], "FORWARD");
    }
    return 0;
}

static void add_rule(const struct opening *o, const char *match, struct strbuf *out)
{
    char mark[OPENING_TEXT_MAX];
    opening_mark(o, mark);
    strbuf_addf(out, "-I %s%s -m comment --comment \"%s\" -j ACCEPT\n", o->place, match, mark);
}

void firewall_iptables_script(const struct openings *all, struct strbuf *out)
{
    strbuf_adds(out, "*filter\n");
    for (size_t i = 0; i < all->count; i++) {
        const struct opening *o = &all->items[i];
        STRBUF(match, 256);
        if (strcmp(o->source, FIREWALL_ANYWHERE) != 0)
            strbuf_addf(&match, " -s %s", o->source);
        if (o->first > 0)
            strbuf_addf(&match, " -p %s -m %s --dport %u:%u", o->protocol, o->protocol, o->first,
                        o->last);
        else if (strcmp(o->protocol, FIREWALL_PODS) != 0)
            strbuf_addf(&match, " -p %s", o->protocol);
        add_rule(o, match.data, out);
        if (strcmp(o->place, "FORWARD") != 0)
            continue;
        strbuf_reset(&match); /* answers to pods */
        strbuf_addf(&match, " -d %s -m conntrack --ctstate RELATED,ESTABLISHED", o->source);
        add_rule(o, match.data, out);
    }
    strbuf_adds(out, "COMMIT\n");
}

/* "CHAIN MARK" of each: comparing these is quick also for thousands. */
static void keys_of(const struct openings *all, struct strv *keys)
{
    for (size_t i = 0; i < all->count; i++) {
        char mark[OPENING_TEXT_MAX];
        opening_mark(&all->items[i], mark);
        strv_addf(keys, "%s %s", all->items[i].place, mark);
    }
}

/* The same of a line of iptables-save, NULL when it has no mark of ours. The caller frees. Comments
 * are written with and without quotes, by the version. */
static char *key_of_line(const char *line)
{
    static const char option[] = " --comment ";
    const char *mark = strncmp(line, "-A ", 3) == 0 ? strstr(line, option) : NULL;
    if (!mark)
        return NULL;
    mark += strlen(option);
    bool quoted = *mark == '"';
    mark += quoted;
    if (strncmp(mark, OPENING_MARK, strlen(OPENING_MARK)) != 0)
        return NULL;
    return xasprintf("%.*s %.*s", (int) strcspn(line + 3, " "), line + 3,
                     (int) strcspn(mark, quoted ? "\"" : " "), mark);
}

void firewall_iptables_delete(const char *save, const struct openings *some, struct strbuf *out)
{
    STRV(lines);
    STRV(keys);
    STRBUF(rules, SCRIPT_MAX);
    strv_split(&lines, save, '\n');
    keys_of(some, &keys);
    for (size_t i = 0; i < lines.count; i++) {
        AUTO_FREE char *key = key_of_line(lines.items[i]);
        if (key && strv_contains(&keys, key))
            strbuf_addf(&rules, "-D %s\n", lines.items[i] + 3);
    }
    if (rules.len > 0)
        strbuf_addf(out, "*filter\n%sCOMMIT\n", rules.data);
}

static int look(const struct firewall_kind *k, const struct openings *all, bool *there,
                struct error *err)
{
    STRBUF(save, SAVE_MAX);
    STRV(lines);
    STRV(found);
    STRV(keys);
    int r = save_filter(k, &save, err);
    strv_split(&lines, save.data, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        AUTO_FREE char *key = key_of_line(lines.items[i]);
        if (key)
            strv_add(&found, key);
    }
    keys_of(all, &keys);
    for (size_t i = 0; i < all->count; i++)
        there[i] = strv_contains(&found, keys.items[i]);
    return r;
}

static int close_these(const struct firewall_kind *k, const struct openings *some,
                       struct error *err)
{
    STRBUF(save, SAVE_MAX);
    STRBUF(script, SCRIPT_MAX);
    if (!may_ask(k))
        return 0;
    int r = save_filter(k, &save, err);
    if (r < 0)
        return r;
    firewall_iptables_delete(save.data, some, &script);
    AUTO_FREE char *program = xasprintf("%s-restore", k->name);
    const char *const argv[] = {program, "--noflush", NULL};
    const struct process_options options = {
        .stdin_data = script.data, .stdin_len = script.len, .timeout_ms = TIMEOUT_MS};
    return script.len > 0 ? process_run(argv, &options, NULL, err) : 0;
}

/* The two forms are programs of these names. */
#define FORM(form) \
    { \
        .name = (form), .is_active = is_active, .expand = expand, .look = look, \
        .stays = firewall_boot_stays, .open = firewall_boot_open, .close = close_these, \
        .script = firewall_iptables_script, .loader = form "-restore --noflush", \
    }
const struct firewall_kind firewall_iptables_nft = FORM("iptables-nft");
const struct firewall_kind firewall_iptables_legacy = FORM("iptables-legacy");
