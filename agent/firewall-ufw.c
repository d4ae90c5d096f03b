/* ufw(8). It keeps what it is told, so there is nothing to do at boot. */
#include "agent/firewall.h"
#include "lib/fd.h"
#include "lib/process.h"
#include "lib/strbuf.h"

#include <string.h>

#define CONF "/etc/ufw/ufw.conf"
#define CONF_MAX 65536
#define OUTPUT_MAX (1024 * 1024)
#define TIMEOUT_MS 60000
#define COMMENT "bigtop-bootstrap"

/* Its words are translated otherwise. */
static const char *const environment[] = {
    "LC_ALL=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};

static int run(const struct strv *argv, struct strbuf *out, struct error *err)
{
    const struct process_options options = {
        .env = environment, .out = out, .timeout_ms = TIMEOUT_MS};
    return process_runv(argv, &options, NULL, err);
}

static int ask(const char *first, const char *second, struct strbuf *out, struct error *err)
{
    STRV(argv);
    strv_add(&argv, "ufw");
    strv_add(&argv, first);
    if (second)
        strv_add(&argv, second);
    return run(&argv, out, err);
}

/* Its unit is not active after `ufw enable`, and not off after `ufw disable`. */
static bool is_active(const struct firewall_kind *k)
{
    (void) k;
    STRBUF(conf, CONF_MAX);
    STRBUF(status, OUTPUT_MAX);
    return file_read(CONF, &conf, NULL) == 0 && strstr(conf.data, "\nENABLED=yes") &&
           process_in_path("ufw") && ask("status", NULL, &status, NULL) == 0 &&
           strncmp(status.data, "Status: active", 14) == 0;
}

static void add_ports(const struct opening *o, struct strv *words)
{
    if (o->first == o->last)
        strv_addf(words, "%u", o->first);
    else
        strv_addf(words, "%u:%u", o->first, o->last);
}

void firewall_ufw_rule(const struct opening *o, struct strv *words)
{
    bool anywhere = strcmp(o->source, FIREWALL_ANYWHERE) == 0;
    if (strcmp(o->place, "forward") == 0)
        strv_add(words, "route");
    strv_add(words, "allow");
    if (anywhere && o->first > 0) { /* the way ufw itself writes it */
        if (o->first == o->last)
            strv_addf(words, "%u/%s", o->first, o->protocol);
        else
            strv_addf(words, "%u:%u/%s", o->first, o->last, o->protocol);
        return;
    }
    strv_add(words, "from");
    strv_add(words, anywhere ? "any" : o->source);
    if (o->first > 0) {
        strv_add(words, "to");
        strv_add(words, "any");
        strv_add(words, "port");
        add_ports(o, words);
    }
    if (strcmp(o->protocol, FIREWALL_PODS) != 0) {
        strv_add(words, "proto");
        strv_add(words, o->protocol);
    }
}

/* Lines are "ufw RULE" or "ufw RULE comment 'TEXT'". */
bool firewall_ufw_has(const char *added, const struct opening *o)
{
    STRV(lines);
    STRV(words);
    firewall_ufw_rule(o, &words);
    AUTO_FREE char *rule = strv_join(&words, " ");
    size_t len = strlen(rule);
    strv_split(&lines, added, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = lines.items[i];
        if (strncmp(line, "ufw ", 4) != 0 || strncmp(line + 4, rule, len) != 0)
            continue;
        const char *rest = line + 4 + len;
        if (*rest == '\0' || strncmp(rest, " comment ", 9) == 0)
            return true;
    }
    return false;
}

static int expand(const struct firewall_kind *k, const struct openings *wanted,
                  const char *interface, struct openings *out, struct error *err)
{
    (void) k;
    (void) interface;
    (void) err;
    for (size_t i = 0; i < wanted->count; i++) {
        openings_add_at(out, &wanted->items[i], "");
        if (strcmp(wanted->items[i].protocol, FIREWALL_PODS) == 0)
            openings_add_at(out, &wanted->items[i], "forward");
    }
    return 0;
}

static int look(const struct firewall_kind *k, const struct openings *all, bool *there,
                struct error *err)
{
    (void) k;
    STRBUF(added, OUTPUT_MAX);
    int r = ask("show", "added", &added, err);
    for (size_t i = 0; r >= 0 && i < all->count; i++)
        there[i] = firewall_ufw_has(added.data, &all->items[i]);
    return r;
}

static int open_these(const struct firewall_kind *k, const struct step_context *ctx,
                      const struct openings *all, const bool *there, struct error *err)
{
    (void) k;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < all->count; i++) {
        if (there[i])
            continue;
        STRV(argv);
        strv_add(&argv, "ufw");
        firewall_ufw_rule(&all->items[i], &argv);
        strv_add(&argv, "comment");
        strv_add(&argv, COMMENT);
        AUTO_FREE char *text = strv_join(&argv, " ");
        step_progress(ctx, (int64_t) i, (int64_t) all->count, "%s", text);
        r = run(&argv, NULL, err);
    }
    return r;
}

/* "route delete allow …", "delete allow …" */
static int close_one(const struct opening *o, struct error *err)
{
    STRV(rule);
    STRV(argv);
    firewall_ufw_rule(o, &rule);
    bool route = strcmp(rule.items[0], "route") == 0;
    strv_add(&argv, "ufw");
    if (route)
        strv_add(&argv, "route");
    strv_add(&argv, "delete");
    strv_add_all(&argv, (const char *const *) rule.items + route);
    return run(&argv, NULL, err);
}

static int close_these(const struct firewall_kind *k, const struct openings *some,
                       struct error *err)
{
    (void) k;
    STRBUF(added, OUTPUT_MAX);
    if (!process_in_path("ufw"))
        return 0;
    int r = ask("show", "added", &added, err);
    for (size_t i = 0; r >= 0 && i < some->count; i++)
        if (firewall_ufw_has(added.data, &some->items[i]))
            r = close_one(&some->items[i], err);
    return r;
}

const struct firewall_kind firewall_ufw = {
    .name = "ufw",
    .is_active = is_active,
    .expand = expand,
    .look = look,
    .open = open_these,
    .close = close_these,
};
