#include "iso/links.h"

#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/path.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINKS_MAX 256
#define VALUE_MAX 256

void iso_links_release(struct iso_links *l)
{
    for (size_t i = 0; i < l->count; i++)
        strv_release(&l->items[i].addresses);
    free(l->items);
    *l = (struct iso_links){0};
}

/* "" when it cannot be read: the carrier of a card that is down. */
static void read_value(const char *dir, const char *name, const char *what, struct strbuf *out)
{
    AUTO_FREE char *path = xasprintf("%s/%s/%s", dir, name, what);
    if (file_read(path, out, NULL) < 0)
        strbuf_reset(out);
    out->data[strcspn(out->data, "\n")] = '\0';
}

static bool exists(const char *dir, const char *name, const char *what)
{
    AUTO_FREE char *path = xasprintf("%s/%s/%s", dir, name, what);
    return access(path, F_OK) == 0;
}

/* False: none of those that are looked at. */
static bool read_kind(const char *dir, const char *name, enum iso_link_kind *out)
{
    AUTO_FREE char *path = xasprintf("%s/%s/uevent", dir, name);
    STRBUF(text, VALUE_MAX);
    STRV(lines);
    if (!grammar_interface(name))
        return false;
    if (exists(dir, name, "device")) {
        *out = ISO_CARD;
        return true;
    }
    if (file_read(path, &text, NULL) < 0)
        return false;
    strv_split(&lines, text.data, '\n');
    *out = strv_contains(&lines, "DEVTYPE=bond") ? ISO_BOND_LINK : ISO_VLAN_LINK;
    return *out == ISO_BOND_LINK || strv_contains(&lines, "DEVTYPE=vlan");
}

/* All cards of a bond have its number while they are in it. */
static void read_mac(const char *dir, struct iso_link *l)
{
    STRBUF(mac, VALUE_MAX);
    bool in_bond = exists(dir, l->name, "bonding_slave");
    read_value(dir, l->name, in_bond ? "bonding_slave/perm_hwaddr" : "address", &mac);
    (void) snprintf(l->mac, sizeof(l->mac), "%s", mac.data);
}

static void read_link(const char *dir, const char *name, enum iso_link_kind kind,
                      struct iso_link *out)
{
    STRBUF(carrier, VALUE_MAX);
    STRBUF(partner, VALUE_MAX);
    out->kind = kind;
    (void) snprintf(out->name, sizeof(out->name), "%s", name);
    read_mac(dir, out);
    read_value(dir, name, "carrier", &carrier);
    out->cable = strcmp(carrier.data, "1") == 0;
    read_value(dir, name, "bonding/ad_partner_mac", &partner);
    out->no_partner = strcmp(partner.data, "00:00:00:00:00:00") == 0;
}

static void read_user(const char *dir, const struct iso_links *links, struct iso_link *l)
{
    for (size_t i = 0; i < links->count; i++) {
        AUTO_FREE char *upper = xasprintf("upper_%s", links->items[i].name);
        if (links->items[i].kind != ISO_CARD && exists(dir, l->name, upper))
            (void) snprintf(l->user, sizeof(l->user), "%s", links->items[i].name);
    }
}

static void read_all(const char *dir, const struct strv *names, enum iso_link_kind wanted,
                     struct iso_links *out)
{
    enum iso_link_kind kind;
    for (size_t i = 0; i < names->count && out->count < LINKS_MAX; i++)
        if (read_kind(dir, names->items[i], &kind) && kind == wanted)
            read_link(dir, names->items[i], kind, &out->items[out->count++]);
}

int iso_links_read(const char *dir, struct iso_links *out, struct error *err)
{
    AUTO_DIR *folder = opendir(dir);
    STRV(names);
    if (!folder)
        return error_errno(err, -errno, "%s", dir);
    for (const struct dirent *e; (e = readdir(folder));)
        strv_add(&names, e->d_name);
    strv_sort(&names);
    out->items = xcalloc(LINKS_MAX, sizeof(*out->items));
    for (enum iso_link_kind kind = ISO_CARD; kind <= ISO_VLAN_LINK; kind++)
        read_all(dir, &names, kind, out);
    for (size_t i = 0; i < out->count; i++)
        read_user(dir, out, &out->items[i]);
    return 0;
}

static bool is_wanted(const struct sockaddr *a, char out[INET6_ADDRSTRLEN])
{
    if (a->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *) a;
        return inet_ntop(AF_INET, &in->sin_addr, out, INET6_ADDRSTRLEN) != NULL;
    }
    const struct sockaddr_in6 *in6 = (const void *) a;
    return a->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) &&
           inet_ntop(AF_INET6, &in6->sin6_addr, out, INET6_ADDRSTRLEN) != NULL;
}

static void add_family(struct iso_link *l, const struct ifaddrs *list, int family)
{
    char text[INET6_ADDRSTRLEN];
    for (const struct ifaddrs *a = list; a; a = a->ifa_next)
        if (a->ifa_addr && a->ifa_addr->sa_family == family && strcmp(a->ifa_name, l->name) == 0 &&
            is_wanted(a->ifa_addr, text))
            strv_add(&l->addresses, text);
}

int iso_links_address(struct iso_links *l, struct error *err)
{
    struct ifaddrs *list;
    if (getifaddrs(&list) < 0)
        return error_errno(err, -errno, "ask for this machine's addresses");
    for (size_t i = 0; i < l->count; i++) {
        add_family(&l->items[i], list, AF_INET);
        add_family(&l->items[i], list, AF_INET6);
    }
    freeifaddrs(list);
    return 0;
}

void iso_mac_digits(const char *mac, char out[ISO_MAC_TEXT])
{
    size_t len = 0;
    for (; *mac && len < ISO_MAC_TEXT - 1; mac++)
        if (*mac != ':')
            out[len++] = *mac;
    out[len] = '\0';
}

int iso_links_watch(int *out, struct error *err)
{
    const struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
                                       .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
                                                    RTMGRP_IPV6_IFADDR};
    AUTO_FD fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd < 0 || bind(fd, (const struct sockaddr *) &groups, sizeof(groups)) < 0)
        return error_errno(err, -errno, "watch this machine's network cards");
    *out = TAKE_FD(fd);
    return 0;
}
