#include "agent/netcheck.h"

#include "lib/grammar.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PROBE_MS "3000"
#define DENIED_MS "700" /* long enough for what flows: a silent path is what is hoped for */

void netcheck_failures_release(struct netcheck_failures *f)
{
    free(f->items);
    *f = (struct netcheck_failures){0};
}

static void add_failure(struct netcheck_failures *f, struct netcheck_failure failure)
{
    f->items = xrealloc(f->items, f->count + 1, sizeof(*f->items));
    f->items[f->count++] = failure;
}

/* The pod behind the service has no need of it: whether a pod reaches itself is another matter. */
static bool asks_service(size_t from, enum netcheck_question_kind kind)
{
    return kind == NETCHECK_ALL && from != 0;
}

void netcheck_question(const struct netcheck_plan *p, const struct netcheck_addresses *a,
                       size_t first, enum netcheck_question_kind kind, struct strv *words)
{
    size_t from = p->pairs[first].from;
    strv_add(words, kind == NETCHECK_DENIED ? DENIED_MS : PROBE_MS);
    strv_add(words, NETCHECK_PORT_TEXT);
    if (kind == NETCHECK_ALL) {
        strv_addf(words, "%s.%s.svc.%s", NETCHECK_SERVICE, NETCHECK_NAMESPACE, p->domain);
    } else {
        strv_add(words, "-");
    }
    for (size_t i = 0; i < netcheck_run_length(p, first); i++) {
        strv_add(words, a->pods[p->pairs[first + i].to]);
    }
    if (asks_service(from, kind)) {
        strv_add(words, a->service);
    }
}

/* Sizes, each a whole number of bytes; *any is the smallest or the largest. */
static bool read_sizes(const json_t *line, const char *key, bool largest, int *any)
{
    json_t *sizes, *size;
    size_t i;
    if (json_need_array(line, key, &sizes, NULL) < 0) {
        return false;
    }
    json_array_foreach(sizes, i, size) {
        json_int_t n = json_integer_value(size);
        if (!json_is_integer(size) || n < 1 || n > 65535) {
            return false;
        }
        if (*any == 0 || (largest ? n > *any : n < *any)) {
            *any = (int) n;
        }
    }
    return true;
}

static int read_path(const json_t *line, const char *address, struct netcheck_path *out,
                     struct error *err)
{
    const char *tcp = json_get_string(line, "tcp", NULL), *udp = json_get_string(line, "udp", NULL);
    *out = (struct netcheck_path){0};
    if (strcmp(json_get_string(line, "address", ""), address) != 0 || !tcp || !udp ||
        !read_sizes(line, "passed", true, &out->passed) ||
        !read_sizes(line, "lost", false, &out->lost)) {
        return error_set(err, -EPROTO, "an answer about %s is malformed", address);
    }
    out->tcp = strcmp(tcp, "ok") == 0;
    STRBUF(said, sizeof(out->said) - 1);
    const char *worst = out->tcp ? udp : tcp;
    strbuf_add_printable(&said, worst, strnlen(worst, sizeof(out->said) - 1));
    snprintf(out->said, sizeof(out->said), "%s", said.data);
    return 0;
}

static enum netcheck_fault judge(const struct netcheck_path *path, bool denied)
{
    bool udp = path->passed > 0;
    if (denied) {
        return path->tcp || udp ? NETCHECK_FLOWS : NETCHECK_FINE;
    }
    if (!path->tcp) {
        return udp ? NETCHECK_NO_TCP : NETCHECK_DEAD;
    }
    if (!udp) {
        return NETCHECK_NO_UDP;
    }
    return path->lost > 0 ? NETCHECK_SMALL : NETCHECK_FINE;
}

/* The lines of an answer, one object each. */
struct lines {
    struct strv texts;
    size_t next;
};

static void lines_release(struct lines *l)
{
    strv_release(&l->texts);
}

static json_t *next_line(struct lines *l, struct error *err)
{
    if (l->next == l->texts.count) {
        error_set(err, -EPROTO, "an answer ends too early");
        return NULL;
    }
    const char *text = l->texts.items[l->next++];
    return json_parse(text, strlen(text), "the answer of a pod", err);
}

static int read_target(struct lines *l, const char *address, struct netcheck_path *out,
                       struct error *err)
{
    AUTO_JSON *line = next_line(l, err);
    return line ? read_path(line, address, out, err) : -EPROTO;
}

static int read_service(struct lines *l, const struct netcheck_addresses *a, size_t from,
                        struct netcheck_failures *out, struct error *err)
{
    struct netcheck_path path;
    int r = read_target(l, a->service, &path, err);
    if (r == 0 && (!path.tcp || path.passed == 0)) {
        add_failure(out, (struct netcheck_failure){from, 0, NETCHECK_SERVICE_DEAD, path});
    }
    return r;
}

static int read_name(struct lines *l, const struct netcheck_addresses *a, size_t from,
                     struct netcheck_failures *out, struct error *err)
{
    struct netcheck_path path = {0};
    AUTO_JSON *line = next_line(l, err);
    if (!line) {
        return -EPROTO;
    }
    const char *address = json_get_string(line, "address", NULL);
    if (address && strcmp(address, a->service) == 0) {
        return 0;
    }
    STRBUF(said, sizeof(path.said) - 1);
    const char *error = json_get_string(line, "error", "another address than the service's");
    strbuf_add_printable(&said, error, strnlen(error, sizeof(path.said) - 1));
    snprintf(path.said, sizeof(path.said), "%s", said.data);
    add_failure(out, (struct netcheck_failure){from, 0, NETCHECK_NO_NAMES, path});
    return 0;
}

int netcheck_answer_read(const struct netcheck_plan *p, const struct netcheck_addresses *a,
                         size_t first, enum netcheck_question_kind kind, const char *text,
                         struct netcheck_failures *out, struct error *err)
{
    CLEANUP(lines_release) struct lines l = {0};
    size_t from = p->pairs[first].from;
    int r = 0;
    strv_split(&l.texts, text, '\n');
    for (size_t i = 0; r == 0 && i < netcheck_run_length(p, first); i++) {
        size_t to = p->pairs[first + i].to;
        struct netcheck_path path;
        r = read_target(&l, a->pods[to], &path, err);
        enum netcheck_fault fault = r == 0 ? judge(&path, kind == NETCHECK_DENIED) : NETCHECK_FINE;
        if (fault != NETCHECK_FINE) {
            add_failure(out, (struct netcheck_failure){from, to, fault, path});
        }
    }
    if (r == 0 && asks_service(from, kind)) {
        r = read_service(&l, a, from, out, err);
    }
    if (r == 0 && kind == NETCHECK_ALL) {
        r = read_name(&l, a, from, out, err);
    }
    return r;
}
