#include "coordinator/facts.h"

#include "lib/grammar.h"
#include "lib/strbuf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const json_t *within(const struct facts *f, const char *outer)
{
    return outer ? json_object_get(f->json, outer) : f->json;
}

bool facts_half_done(const struct facts *f)
{
    const json_t *kubelet = json_object_get(json_object_get(f->json, "units"), "kubelet.service");
    return !f->role && json_get_bool(kubelet, "ours", false);
}

bool facts_lacks_clock(const struct facts *f)
{
    return facts_bool(f, "clock", "image", false) && !facts_bool(f, "clock", "kept", true);
}

bool facts_trusts(const struct facts *f, const char *key_id)
{
    const json_t *keys = json_object_get(json_object_get(f->json, "bundle"), "keys");
    return json_has_text(keys, key_id) || (!key_id[0] && json_array_size(keys) == 0);
}

const char *facts_string(const struct facts *f, const char *outer, const char *key,
                         const char *fallback)
{
    return json_get_string(within(f, outer), key, fallback);
}

int64_t facts_int(const struct facts *f, const char *outer, const char *key, int64_t fallback)
{
    return json_get_int(within(f, outer), key, fallback);
}

bool facts_bool(const struct facts *f, const char *outer, const char *key, bool fallback)
{
    return json_get_bool(within(f, outer), key, fallback);
}

/* The address part of "10.0.0.1/24", or "" when it is not an IPv4 one. */
static void strip_prefix(const char *cidr, char out[16])
{
    size_t len = strcspn(cidr, "/");
    out[0] = '\0';
    if (len >= 16)
        return;
    memcpy(out, cidr, len);
    out[len] = '\0';
    if (!grammar_ipv4(out))
        out[0] = '\0';
}

const char *facts_node_ip(const struct facts *f, const struct host *host)
{
    if (f->node_ip)
        return f->node_ip;
    if (host->node_ip)
        return host->node_ip;
    return host->address && grammar_ipv4(host->address) ? host->address : NULL;
}

/* "10.0.0.1/24" is that address, in such a network. */
static bool parse_cidr(const json_t *item, uint32_t *address, unsigned *prefix)
{
    const char *text = json_is_string(item) ? json_string_value(item) : "";
    const char *slash = strchr(text, '/');
    char ip[16], *end;
    strip_prefix(text, ip);
    if (!slash || !isdigit((unsigned char) slash[1]) || !grammar_ipv4_parse(ip, address))
        return false;
    unsigned long bits = strtoul(slash + 1, &end, 10);
    *prefix = (unsigned) bits;
    return *end == '\0' && bits <= 32;
}

bool facts_prefix(const struct facts *f, uint32_t address, unsigned *prefix)
{
    uint32_t found;
    unsigned bits;
    size_t i, k;
    json_t *interface, *item;
    json_array_foreach(json_object_get(f->json, "interfaces"), i, interface) {
        json_array_foreach(json_object_get(interface, "addresses"), k, item) {
            if (!parse_cidr(item, &found, &bits) || found != address)
                continue;
            *prefix = bits;
            return true;
        }
    }
    return false;
}

/* Takes the first IPv4 of the interface, or the one asked for; false when there is none. */
static bool take_address(struct facts *f, const json_t *interface, const char *wanted, bool alone)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(interface, "addresses"), i, item) {
        char address[16];
        strip_prefix(json_is_string(item) ? json_string_value(item) : "", address);
        if (address[0] == '\0' || (wanted && strcmp(address, wanted) != 0) ||
            (!alone && strcmp(json_string_value(item) + strlen(address), "/32") == 0))
            continue;
        f->node_ip = xstrdup(address);
        f->interface = xstrdup(json_get_string(interface, "name", ""));
        f->mtu = (int) json_get_int(interface, "mtu", 1500);
        return true;
    }
    return false;
}

static bool find_on(struct facts *f, const char *wanted, const char *interface_name, bool alone)
{
    size_t i;
    json_t *interface;
    json_array_foreach(json_object_get(f->json, "interfaces"), i, interface) {
        const char *name = json_get_string(interface, "name", "lo");
        if (strcmp(name, "lo") == 0 || (interface_name && strcmp(name, interface_name) != 0))
            continue;
        if (take_address(f, interface, wanted, alone))
            return true;
    }
    return false;
}

/* An address without a network around it is taken only where there is no other: a virtual IP is
 * such a one. */
static bool find_address(struct facts *f, const char *wanted, const char *interface_name)
{
    return (!wanted && find_on(f, NULL, interface_name, false)) ||
           find_on(f, wanted, interface_name, true);
}

/* In this order: what hosts.yaml says, where SSH goes (when the host itself has that address), the
 * interface of the default route, the only thing there is. */
static int choose_address(const struct host *host, struct facts *f, struct error *err)
{
    if (host->node_ip) {
        if (find_address(f, host->node_ip, NULL))
            return 0;
        error_set(err, -EADDRNOTAVAIL, "node_ip %s is on none of its interfaces", host->node_ip);
        return error_remedy(err, "correct node_ip in hosts.yaml, or give the host that address");
    }
    if (find_address(f, host->address, NULL))
        return 0;
    const char *route = facts_string(f, "default_route", "interface", NULL);
    if (route && find_address(f, NULL, route))
        return 0;
    if (find_address(f, NULL, NULL))
        return 0;
    error_set(err, -EADDRNOTAVAIL, "it has no IPv4 address besides loopback");
    return error_remedy(err, "give the host an IPv4 address that the other hosts can reach");
}

static int choose_name(const struct host *host, struct facts *f, struct error *err)
{
    const char *own = json_get_string(f->json, "hostname", "");
    f->node_name = xstrdup(host->name ? host->name : own);
    for (char *p = f->node_name; *p; p++)
        *p = (char) tolower((unsigned char) *p);
    if (grammar_hostname(f->node_name))
        return 0;
    error_set(err, -EINVAL, "its host name cannot be a node name (letters, digits, - and . only)");
    return error_remedy(err, "give the host a `name:` in hosts.yaml, or mend it with hostnamectl");
}

int facts_take(const struct host *host, json_t *json, int64_t now_ms, struct facts *out,
               struct error *err)
{
    struct facts f = {.json = json};
    int r = choose_name(host, &f, err);
    if (r == 0)
        r = choose_address(host, &f, err);
    if (r < 0) {
        facts_release(&f);
        return r;
    }
    f.clock_offset_ms = json_get_int(json, "time_ms", now_ms) - now_ms;
    f.role = facts_string(&f, "node", "role", NULL);
    f.cluster = facts_string(&f, "node", "cluster", NULL);
    *out = f;
    return 0;
}

void facts_release(struct facts *f)
{
    json_decref(f->json);
    json_decref(f->disks);
    free(f->node_name);
    free(f->node_ip);
    free(f->interface);
    *f = (struct facts){0};
}
