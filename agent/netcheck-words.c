#include "agent/netcheck.h"

#include "lib/strbuf.h"

#include <errno.h>
#include <string.h>

#define NAMED_MAX 6 /* pairs or nodes that a message names; the others are counted */

/* Two nodes whose path is the same thing in both directions. */
struct edge {
    const char *a, *b;
};

static bool has_node(const struct edge *e, const char *node)
{
    return strcmp(e->a, node) == 0 || strcmp(e->b, node) == 0;
}

static size_t edges_of(const struct netcheck_plan *p, const struct netcheck_failures *f,
                       enum netcheck_fault fault, struct edge *out)
{
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) {
        const struct netcheck_failure *x = &f->items[i];
        bool up = x->from < x->to;
        struct edge e = {p->nodes[up ? x->from : x->to], p->nodes[up ? x->to : x->from]};
        bool known = x->fault != fault;
        for (size_t k = 0; k < count && !known; k++) {
            known = has_node(&out[k], e.a) && has_node(&out[k], e.b);
        }
        if (!known) {
            out[count++] = e;
        }
    }
    return count;
}

/* The node that all edges have, if there are several. */
static const char *common_node(const struct edge *edges, size_t count)
{
    const char *candidates[] = {edges[0].a, edges[0].b};
    for (size_t c = 0; count > 1 && c < ARRAY_SIZE(candidates); c++) {
        size_t with = 0;
        while (with < count && has_node(&edges[with], candidates[c])) {
            with++;
        }
        if (with == count) {
            return candidates[c];
        }
    }
    return NULL;
}

/* Sorted: answers come in any order. */
static void add_list(struct strbuf *b, struct strv *names, const char *what)
{
    strv_sort(names);
    for (size_t i = 0; i < names->count && i < NAMED_MAX; i++) {
        strbuf_addf(b, "%s%s", i ? ", " : "", names->items[i]);
    }
    if (names->count > NAMED_MAX) {
        strbuf_addf(b, " and %zu more%s", names->count - NAMED_MAX, what);
    }
}

/* "n3 and each of n1, n2", or "n1 and n2, n3 and n4". */
static void add_edges(struct strbuf *b, const struct edge *edges, size_t count)
{
    STRV(names);
    const char *common = common_node(edges, count);
    for (size_t i = 0; i < count; i++) {
        const struct edge *e = &edges[i];
        if (common) {
            strv_add(&names, strcmp(e->a, common) == 0 ? e->b : e->a);
        } else {
            strv_addf(&names, "%s and %s", e->a, e->b);
        }
    }
    if (common) {
        strbuf_addf(b, "%s and each of ", common);
    }
    add_list(b, &names, common ? "" : " pairs");
}

/* The nodes where it shows, each once: of a policy, those it should protect. */
static void add_nodes(struct strbuf *b, const struct netcheck_plan *p,
                      const struct netcheck_failures *f, enum netcheck_fault fault)
{
    STRV(names);
    for (size_t i = 0; i < f->count; i++) {
        const struct netcheck_failure *x = &f->items[i];
        const char *node = p->nodes[fault == NETCHECK_FLOWS ? x->to : x->from];
        if (x->fault == fault && !strv_contains(&names, node)) {
            strv_add(&names, node);
        }
    }
    add_list(b, &names, "");
}

static const struct netcheck_failure *first_of(const struct netcheck_failures *f,
                                               enum netcheck_fault fault)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->items[i].fault == fault) {
            return &f->items[i];
        }
    }
    return NULL;
}

/* What passes everywhere, and what is lost somewhere. */
static void sizes_of(const struct netcheck_failures *f, int *passed, int *lost)
{
    *passed = *lost = 0;
    for (size_t i = 0; i < f->count; i++) {
        const struct netcheck_failure *x = &f->items[i];
        if (x->fault != NETCHECK_SMALL) {
            continue;
        }
        *passed = *passed == 0 || x->path.passed < *passed ? x->path.passed : *passed;
        *lost = *lost == 0 || x->path.lost < *lost ? x->path.lost : *lost;
    }
}

struct words {
    const char *text, *remedy;
    enum netcheck_fault fault;
    bool of_nodes; /* else of pairs */
};

/* The first that fits is the cause; a service does not answer where packets do not pass. */
static const struct words all_words[] = {
    {"no packet passes between pods on ",
     "open UDP 8472 (VXLAN) between these hosts and let nothing drop what they forward; where it "
     "is "
     "open, the network card may spoil VXLAN's checksums: ethtool -K NIC tx-udp_tnl-segmentation "
     "off tx-udp_tnl-csum-segmentation off",
     NETCHECK_DEAD, false},
    {"UDP passes but TCP does not between pods on ",
     "look for a firewall or a network policy there that drops forwarded TCP", NETCHECK_NO_TCP,
     false},
    {"TCP passes but UDP does not between pods on ",
     "look for a firewall or a network policy there that drops forwarded UDP", NETCHECK_NO_UDP,
     false},
    {"the MTU is too small between pods on ", NULL, NETCHECK_SMALL, false},
    {"pods reach each other, but not the address of a service, from ",
     "look at kube-proxy there: kubectl -n kube-system logs -l k8s-app=kube-proxy",
     NETCHECK_SERVICE_DEAD, true},
    {"cluster DNS gives no answer to pods on ",
     "look at CoreDNS: kubectl -n kube-system logs -l k8s-app=kube-dns", NETCHECK_NO_NAMES, true},
    {"network policies are not enforced: what one denies still reaches pods on ",
     "look at the network addon's pods there, or choose a network that enforces policies",
     NETCHECK_FLOWS, true},
};

static const struct words *choose(const struct netcheck_failures *f)
{
    for (size_t i = 0; i < ARRAY_SIZE(all_words); i++) {
        if (first_of(f, all_words[i].fault)) {
            return &all_words[i];
        }
    }
    return NULL;
}

static int say_remedy(const struct netcheck_failures *f, const struct words *w, struct error *err)
{
    int passed, lost;
    if (w->fault != NETCHECK_SMALL) {
        return error_remedy(err, "%s; then run the same command again", w->remedy);
    }
    sizes_of(f, &passed, &lost);
    return error_remedy(err,
                        "mend the path between these hosts, or set `mtu: %d` under `cluster` in "
                        "hosts.yaml; then run the same command again",
                        passed + NETCHECK_VXLAN_BYTES);
}

int netcheck_words(const struct netcheck_plan *p, const struct netcheck_failures *f,
                   struct error *err)
{
    STRBUF(text, ERROR_TEXT_MAX);
    AUTO_FREE struct edge *edges = xcalloc(f->count + 1, sizeof(*edges));
    const struct words *w = choose(f);
    if (!w) {
        return 0;
    }
    strbuf_adds(&text, w->text);
    if (w->of_nodes) {
        add_nodes(&text, p, f, w->fault);
    } else {
        add_edges(&text, edges, edges_of(p, f, w->fault, edges));
    }
    const struct netcheck_failure *first = first_of(f, w->fault);
    if (w->fault == NETCHECK_SMALL) {
        int passed, lost;
        sizes_of(f, &passed, &lost);
        strbuf_addf(&text, ": packets of %d bytes pass, those of %d are lost", passed, lost);
    } else if (w->fault != NETCHECK_FLOWS) {
        strbuf_addf(&text, " (%s)", first->path.said);
    }
    error_set(err, w->fault == NETCHECK_SMALL ? -EMSGSIZE : -EHOSTUNREACH, "%s", text.data);
    return say_remedy(f, w, err);
}
