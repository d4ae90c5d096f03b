#include "coordinator/find-hosts.h"

#include "lib/clock.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define SHOWN_MAX 8 /* of a list in a message */
#define AGAIN_MS 500
#define REMEDY_LATER \
    "start them from the image in this network, put their address into hosts.yaml, or take out " \
    "their lines"

bool find_hosts_needed(const struct inventory *inv)
{
    for (size_t i = 0; i < inv->host_count; i++)
        if (!inv->hosts[i].address)
            return true;
    return false;
}

static bool has_bond_card(const struct iso_heard *m, const struct bond *b)
{
    for (size_t i = 0; i < b->macs.count; i++)
        if (strv_contains(&m->macs, b->macs.items[i]))
            return true;
    return false;
}

/* All that the host's line says. */
static bool is_host(const struct iso_heard *m, const struct host *h)
{
    return (!h->mac || strv_contains(&m->macs, h->mac)) &&
           (h->bond.macs.count == 0 || has_bond_card(m, &h->bond)) &&
           (!h->serial || strcmp(m->serial, h->serial) == 0);
}

/* One machine is heard once by each of our cards, and by each of its own. */
static bool is_same_machine(const struct iso_heard *a, const struct iso_heard *b)
{
    AUTO_FREE char *macs = strv_join(&a->macs, ",");
    AUTO_FREE char *others = strv_join(&b->macs, ",");
    return strcmp(macs, others) == 0 && strcmp(a->serial, b->serial) == 0 &&
           strcmp(a->fingerprint, b->fingerprint) == 0 && strcmp(a->name, b->name) == 0 &&
           a->port == b->port;
}

static void add_wanted(const struct host *h, struct strbuf *out)
{
    const char *card = inventory_card(h->mac, &h->bond);
    strbuf_adds(out, host_label(h));
    if (h->name)
        strbuf_addf(out, card ? " (%s)" : " (serial %s)", card ? card : h->serial);
}

static int two_machines(const struct host *h, const struct iso_heard *one,
                        const struct iso_heard *other, struct error *err)
{
    error_set(err, -EEXIST, "two machines say that they are %s: %s (%s) and %s (%s)", host_label(h),
              one->address, one->name, other->address, other->name);
    return error_remedy(err, "switch off the wrong one, or put the right address into hosts.yaml");
}

/* *out NULL: nobody is. */
static int find_one(const struct host *h, const struct iso_heard_list *heard,
                    const struct iso_heard **out, struct error *err)
{
    *out = NULL;
    for (size_t i = 0; i < heard->count; i++) {
        const struct iso_heard *m = &heard->items[i];
        if (!is_host(m, h))
            continue;
        if (*out && !is_same_machine(*out, m))
            return two_machines(h, *out, m, err);
        if (!*out)
            *out = m;
    }
    return 0;
}

static int two_hosts(const struct host *h, const struct host *other, const char *address,
                     struct error *err)
{
    return error_set(err, -EEXIST,
                     "the machine at %s says that it is %s, and %s of line %u has that address",
                     address, host_label(h), host_label(other), other->line);
}

/* A host that is given by its name may be the same machine: its key tells. */
static int check_free(const struct inventory *inv, size_t host, const struct iso_heard *const *all,
                      struct error *err)
{
    const struct iso_heard *m = all[host];
    const struct host *h = &inv->hosts[host];
    for (size_t i = 0; i < inv->host_count; i++) {
        const struct host *other = &inv->hosts[i];
        const char *address = all[i] ? all[i]->address : other->address;
        uint16_t port = all[i] ? all[i]->port : other->port;
        if (i != host && address && port == m->port && strcmp(address, m->address) == 0)
            return two_hosts(h, other, m->address, err);
    }
    if (inv->virtual_ip && strcmp(inv->virtual_ip, m->address) == 0)
        return error_set(err, -EEXIST,
                         "the machine at %s says that it is %s, and that is the "
                         "cluster's virtual_ip",
                         m->address, host_label(h));
    return 0;
}

static void add_list(const struct strv *words, const char *separator, struct strbuf *out)
{
    for (size_t i = 0; i < words->count && i < SHOWN_MAX; i++)
        strbuf_addf(out, "%s%s", i ? separator : "", words->items[i]);
    if (words->count > SHOWN_MAX)
        strbuf_addf(out, "%s%zu more", separator, words->count - SHOWN_MAX);
}

static bool is_taken(const struct inventory *inv, const struct iso_heard *const *all,
                     const struct iso_heard *m)
{
    for (size_t i = 0; i < inv->host_count; i++)
        if (all[i] && is_same_machine(all[i], m))
            return true;
    return false;
}

static int not_heard(const struct inventory *inv, const struct iso_heard_list *heard,
                     const struct iso_heard *const *all, const struct strv *missing,
                     struct error *err)
{
    STRV(others);
    STRBUF(text, ERROR_TEXT_MAX);
    for (size_t i = 0; i < heard->count; i++) {
        STRBUF(words, ERROR_TEXT_MAX);
        if (is_taken(inv, all, &heard->items[i]))
            continue;
        iso_heard_words(&heard->items[i], &words);
        strv_add(&others, words.data);
    }
    add_list(missing, ", ", &text);
    strbuf_adds(&text, others.count ? "; heard were: " : "; no other machine was heard");
    add_list(&others, "; ", &text);
    error_set(err, -ESRCH, "no machine says that it is %s%s", text.data,
              heard->cut ? " (and too many to hear them all)" : "");
    return error_remedy(err, REMEDY_LATER);
}

static void tell(const struct host *h, const struct iso_heard *m, struct strv *found)
{
    STRBUF(words, ERROR_TEXT_MAX);
    iso_heard_words(m, &words);
    strv_addf(found, "%s was heard: %s%s%s", host_label(h), words.data,
              m->fingerprint[0] ? ", says that its key is " : "", m->fingerprint);
}

static void take(struct inventory *inv, const struct iso_heard *const *all, struct strv *found)
{
    for (size_t i = 0; i < inv->host_count; i++) {
        if (!all[i])
            continue;
        tell(&inv->hosts[i], all[i], found);
        inv->hosts[i].address = xstrdup(all[i]->address);
        inv->hosts[i].port = all[i]->port;
    }
}

int find_hosts_match(struct inventory *inv, const struct iso_heard_list *heard, struct strv *found,
                     struct error *err)
{
    AUTO_FREE const struct iso_heard **all = xcalloc(inv->host_count, sizeof(*all));
    STRV(missing);
    int r = 0;
    for (size_t i = 0; r == 0 && i < inv->host_count; i++) {
        STRBUF(wanted, ERROR_TEXT_MAX);
        if (inv->hosts[i].address)
            continue;
        r = find_one(&inv->hosts[i], heard, &all[i], err);
        add_wanted(&inv->hosts[i], &wanted);
        if (r == 0 && !all[i])
            strv_add(&missing, wanted.data);
    }
    for (size_t i = 0; r == 0 && i < inv->host_count; i++)
        r = all[i] ? check_free(inv, i, all, err) : 0;
    if (r == 0 && missing.count)
        r = not_heard(inv, heard, all, &missing, err);
    if (r == 0)
        take(inv, all, found);
    return r;
}

int find_hosts(struct inventory *inv, int patience_ms, const bool *cancel, struct strv *found,
               struct error *err)
{
    const struct timespec pause = {.tv_nsec = AGAIN_MS * 1000000L};
    int64_t deadline = clock_monotonic_ms() + patience_ms;
    while (find_hosts_needed(inv)) {
        AUTO_ISO_HEARD heard = {0};
        int r = iso_heard_ask(cancel, &heard, err);
        if (r == 0)
            r = find_hosts_match(inv, &heard, found, err);
        if (r < 0 && (r != -ESRCH || clock_left_ms(deadline) == 0 || (cancel && *cancel)))
            return r;
        if (r < 0)
            (void) nanosleep(&pause, NULL);
    }
    return 0;
}
