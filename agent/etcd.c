#include "agent/etcd.h"

#include "agent/program.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ETCD_PKI KUBERNETES_DIR "/pki/etcd"
#define LOCAL_ENDPOINT "https://127.0.0.1:2379"
#define COMMAND_TIMEOUT "5s" /* etcdctl's own, of each request */
#define TIMEOUT_MS 20000
#define OUTPUT_MAX (256 * 1024)

void etcd_members_release(struct etcd_members *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->items[i].name);
        free(m->items[i].peer);
        free(m->items[i].client);
    }
    *m = ETCD_MEMBERS_INIT;
}

/* The next field, up to ", " or the end; *at is moved past it and becomes NULL at the end. */
static char *next_field(const char **at)
{
    if (!*at) {
        return xstrdup("");
    }
    const char *comma = strstr(*at, ", ");
    char *field = comma ? xstrndup(*at, (size_t) (comma - *at)) : xstrdup(*at);
    *at = comma ? comma + 2 : NULL;
    return field;
}

static bool is_id(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len < ETCD_ID_SIZE && strspn(text, "0123456789abcdef") == len;
}

static int parse_member(const char *line, struct etcd_member *out)
{
    const char *at = line;
    AUTO_FREE char *id = next_field(&at);
    AUTO_FREE char *status = next_field(&at);
    AUTO_FREE char *name = next_field(&at);
    AUTO_FREE char *peer = next_field(&at);
    AUTO_FREE char *client = next_field(&at);
    bool more = at != NULL;
    AUTO_FREE char *learner = next_field(&at);
    bool known = strcmp(learner, "true") == 0 || strcmp(learner, "false") == 0;
    if (!is_id(id) || !more || at || !known) {
        return -EPROTO;
    }
    *out = (struct etcd_member){
        .name = TAKE_PTR(name),
        .peer = TAKE_PTR(peer),
        .client = TAKE_PTR(client),
        .started = strcmp(status, "started") == 0,
        .learner = strcmp(learner, "true") == 0,
    };
    snprintf(out->id, sizeof(out->id), "%s", id);
    return 0;
}

int etcd_members_parse(const char *text, struct etcd_members *out, struct error *err)
{
    STRV(lines);
    AUTO_ETCD_MEMBERS found = ETCD_MEMBERS_INIT;
    strv_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        if (found.count == ETCD_MEMBERS_MAX) {
            return error_set(err, -EPROTO, "etcd has more than %d members", ETCD_MEMBERS_MAX);
        }
        if (parse_member(lines.items[i], &found.items[found.count]) < 0) {
            return error_set(err, -EPROTO, "etcdctl gave no list of members");
        }
        found.count++;
    }
    if (found.count == 0) {
        return error_set(err, -EPROTO, "etcdctl named no member");
    }
    *out = found;
    found = ETCD_MEMBERS_INIT;
    return 0;
}

void etcd_members_take_health(struct etcd_members *m, const json_t *health)
{
    size_t i;
    json_t *item;
    json_array_foreach(health, i, item) {
        const char *endpoint = json_get_string(item, "endpoint", "");
        for (size_t k = 0; k < m->count; k++) {
            struct etcd_member *member = &m->items[k];
            if (member->started && !member->learner && strcmp(member->client, endpoint) == 0) {
                member->healthy = json_get_bool(item, "health", false);
            }
        }
    }
}

void etcd_members_take_leader(struct etcd_members *m, const char *status)
{
    static const char key[] = "\"Leader\" : ";
    const char *at = strstr(status, key);
    if (!at) {
        return;
    }
    char id[ETCD_ID_SIZE];
    snprintf(id, sizeof(id), "%" PRIx64, (uint64_t) strtoull(at + strlen(key), NULL, 10));
    for (size_t i = 0; i < m->count; i++) {
        m->items[i].leader = strcmp(m->items[i].id, id) == 0;
    }
}

json_t *etcd_members_json(const struct etcd_members *m)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->count; i++) {
        const struct etcd_member *e = &m->items[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b, s:b, s:b}", "id", e->id, "name",
                                              e->name, "learner", e->learner, "started", e->started,
                                              "healthy", e->healthy, "leader", e->leader));
    }
    return list;
}

static int run_etcdctl(const char *endpoints, const char *const args[], const bool *cancel,
                       struct strbuf *out, struct error *err)
{
    STRV(argv);
    strv_add(&argv, PROGRAM_ETCDCTL);
    strv_addf(&argv, "--endpoints=%s", endpoints);
    strv_add(&argv, "--cacert=" ETCD_PKI "/ca.crt");
    strv_add(&argv, "--cert=" ETCD_PKI "/server.crt");
    strv_add(&argv, "--key=" ETCD_PKI "/server.key");
    strv_add(&argv, "--command-timeout=" COMMAND_TIMEOUT);
    strv_add_all(&argv, args);
    struct process_options options = program_options(cancel, TIMEOUT_MS);
    options.out = out;
    return process_runv(&argv, &options, NULL, err);
}

static int need_etcd(struct error *err)
{
    static const char *const needed[] = {PROGRAM_ETCDCTL, ETCD_PKI "/server.key"};
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
        if (access(needed[i], F_OK) < 0) {
            return error_set(err, -ENOENT, "this host has no etcd to ask: no %s", needed[i]);
        }
    }
    return 0;
}

/* A member that is down makes the command fail, and the others' answers are there all the same. */
static void ask_health(const bool *cancel, struct etcd_members *m)
{
    static const char *const args[] = {"endpoint", "health", "-w", "json", NULL};
    STRV(urls);
    STRBUF(text, OUTPUT_MAX);
    for (size_t i = 0; i < m->count; i++) {
        if (m->items[i].started && !m->items[i].learner) {
            strv_add(&urls, m->items[i].client);
        }
    }
    AUTO_FREE char *endpoints = strv_join(&urls, ",");
    (void) run_etcdctl(endpoints, args, cancel, &text, NULL);
    AUTO_JSON *health = json_parse(text.data, text.len, "etcdctl endpoint health", NULL);
    etcd_members_take_health(m, health);
}

static void ask_leader(const bool *cancel, struct etcd_members *m)
{
    static const char *const args[] = {"endpoint", "status", "-w", "fields", NULL};
    STRBUF(text, OUTPUT_MAX);
    if (run_etcdctl(LOCAL_ENDPOINT, args, cancel, &text, NULL) == 0) {
        etcd_members_take_leader(m, text.data);
    }
}

int etcd_members_list(const bool *cancel, struct etcd_members *out, struct error *err)
{
    static const char *const args[] = {"member", "list", NULL};
    STRBUF(text, OUTPUT_MAX);
    int r = need_etcd(err);
    r = r < 0 ? r : run_etcdctl(LOCAL_ENDPOINT, args, cancel, &text, err);
    r = r < 0 ? r : etcd_members_parse(text.data, out, err);
    if (r < 0) {
        return error_prefix(err, "etcd");
    }
    ask_health(cancel, out);
    ask_leader(cancel, out);
    return 0;
}

/* "https://10.0.0.1:2380" is of 10.0.0.1, and not of 10.0.0.11. */
static bool is_at(const char *url, const char *address)
{
    const char *at = strstr(url, "://");
    size_t len = strlen(address);
    return at && strncmp(at + 3, address, len) == 0 && at[3 + len] == ':';
}

const struct etcd_member *etcd_member_of(const struct etcd_members *m, const char *node,
                                         const char *address)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct etcd_member *e = &m->items[i];
        if (*e->name ? strcmp(e->name, node) == 0 : address && is_at(e->peer, address)) {
            return e;
        }
    }
    return NULL;
}

static bool is_voter(const struct etcd_member *e)
{
    return !e->learner;
}

int etcd_may_remove(const struct etcd_members *m, const struct etcd_member *member,
                    struct error *err)
{
    size_t voters = 0, healthy = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct etcd_member *e = &m->items[i];
        if (e == member || !is_voter(e)) {
            continue;
        }
        voters++;
        healthy += e->healthy;
    }
    size_t needed = voters / 2 + 1;
    if (!is_voter(member) || (voters > 0 && healthy >= needed)) {
        return 0;
    }
    if (voters == 0) {
        error_set(err, -EBUSY, "it is the last voting member of etcd");
        return error_remedy(err, "`bigtop-bootstrap reset` takes the whole cluster down");
    }
    error_set(err, -EBUSY,
              "without it etcd would have %zu voting members, of which %zu must be healthy and %zu "
              "are: the cluster would stand still",
              voters, needed, healthy);
    return error_remedy(err, "bring the other control planes back first "
                             "(`bigtop-bootstrap status` shows them)");
}

int etcd_member_remove(const struct etcd_member *member, const bool *cancel, struct error *err)
{
    const char *const args[] = {"member", "remove", member->id, NULL};
    int r = run_etcdctl(LOCAL_ENDPOINT, args, cancel, NULL, err);
    return r < 0 ? error_prefix(err, "remove etcd member %s", member->id) : 0;
}
