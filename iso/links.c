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

static bool is_card(const char *dir, const char *name)
{
    AUTO_FREE char *device = xasprintf("%s/%s/device", dir, name);
    return grammar_interface(name) && access(device, F_OK) == 0;
}

static void read_link(const char *dir, const char *name, struct iso_link *out)
{
    STRBUF(mac, VALUE_MAX);
    STRBUF(carrier, VALUE_MAX);
    read_value(dir, name, "address", &mac);
    read_value(dir, name, "carrier", &carrier);
    (void) snprintf(out->name, sizeof(out->name), "%s", name);
    (void) snprintf(out->mac, sizeof(out->mac), "%s", mac.data);
    out->cable = strcmp(carrier.data, "1") == 0;
}

int iso_links_read(const char *dir, struct iso_links *out, struct error *err)
{
    AUTO_DIR *folder = opendir(dir);
    STRV(names);
    if (!folder)
        return error_errno(err, -errno, "%s", dir);
    for (const struct dirent *e; (e = readdir(folder));)
        if (is_card(dir, e->d_name) && names.count < LINKS_MAX)
            strv_add(&names, e->d_name);
    strv_sort(&names);
    out->items = xcalloc(names.count + 1, sizeof(*out->items));
    out->count = names.count;
    for (size_t i = 0; i < names.count; i++)
        read_link(dir, names.items[i], &out->items[i]);
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
