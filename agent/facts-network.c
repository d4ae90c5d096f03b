#include "agent/facts-network.h"

#include "agent/facts.h"
#include "lib/fd.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define TEXT_MAX (4u << 20) /* bytes; /proc/net/tcp of a busy host */
#define SYSFS_MAX 4096
#define TCP_LISTEN 0x0A /* include/net/tcp_states.h */
#define UDP_OPEN 0x07

static char *net_attribute(const char *interface, const char *name)
{
    AUTO_FREE char *path = xasprintf("/sys/class/net/%s/%s", interface, name);
    STRBUF(text, SYSFS_MAX);
    file_read(path, &text, NULL);
    return xstrndup(text.data, strcspn(text.data, "\n"));
}

static unsigned prefix_length(const unsigned char *mask, size_t len)
{
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++)
        bits += (unsigned) __builtin_popcount(mask[i]);
    return bits;
}

static json_t *address_json(const struct ifaddrs *a)
{
    char text[INET6_ADDRSTRLEN] = "";
    bool is_v4 = a->ifa_addr->sa_family == AF_INET;
    const void *address = is_v4 ? (const void *) &((struct sockaddr_in *) a->ifa_addr)->sin_addr
                                : (const void *) &((struct sockaddr_in6 *) a->ifa_addr)->sin6_addr;
    const void *mask = is_v4 ? (const void *) &((struct sockaddr_in *) a->ifa_netmask)->sin_addr
                             : (const void *) &((struct sockaddr_in6 *) a->ifa_netmask)->sin6_addr;
    inet_ntop(a->ifa_addr->sa_family, address, text, sizeof text);
    AUTO_FREE char *out = xasprintf("%s/%u", text, prefix_length(mask, is_v4 ? 4 : 16));
    return json_string(out);
}

static json_t *addresses_of(const struct ifaddrs *all, const char *interface)
{
    json_t *out = json_array();
    for (const struct ifaddrs *a = all; a; a = a->ifa_next)
        if (a->ifa_addr && a->ifa_netmask && strcmp(a->ifa_name, interface) == 0 &&
            (a->ifa_addr->sa_family == AF_INET || a->ifa_addr->sa_family == AF_INET6))
            json_array_append_new(out, address_json(a));
    return out;
}

static json_t *interface_json(const struct ifaddrs *all, const char *name)
{
    AUTO_FREE char *mac = net_attribute(name, "address");
    AUTO_FREE char *mtu = net_attribute(name, "mtu");
    AUTO_FREE char *flags = net_attribute(name, "flags");
    bool is_up = strtoul(flags, NULL, 16) & IFF_UP;
    return json_pack("{s:s, s:s, s:I, s:b, s:o}", "name", name, "mac", mac, "mtu",
                     (json_int_t) strtol(mtu, NULL, 10), "up", is_up, "addresses",
                     addresses_of(all, name));
}

static void set_interfaces(json_t *obj)
{
    json_t *list = json_array();
    struct ifaddrs *all = NULL;
    struct if_nameindex *names = if_nameindex();
    getifaddrs(&all);
    for (size_t i = 0; names && names[i].if_index != 0 && i < FACTS_LIST_MAX; i++)
        if (strcmp(names[i].if_name, "lo") != 0)
            json_array_append_new(list, interface_json(all, names[i].if_name));
    if (names)
        if_freenameindex(names);
    if (all)
        freeifaddrs(all);
    json_object_set_new(obj, "interfaces", list);
}

/* proc(5), /proc/net/route: addresses are hexadecimal in the machine's byte order. */
json_t *network_default_route(const char *text)
{
    STRV(lines);
    strv_split(&lines, text, '\n');
    json_t *best = NULL;
    long best_metric = 0;
    for (size_t i = 1; i < lines.count; i++) {
        char name[IFNAMSIZ], gateway[INET_ADDRSTRLEN];
        unsigned destination, via, mask;
        int metric;
        if (sscanf(lines.items[i], "%15s %x %x %*x %*d %*d %d %x", name, &destination, &via,
                   &metric, &mask) != 5 ||
            destination != 0 || mask != 0 || (best && metric >= best_metric))
            continue;
        json_decref(best);
        inet_ntop(AF_INET, &(struct in_addr){.s_addr = via}, gateway, sizeof gateway);
        best = json_pack("{s:s, s:s}", "interface", name, "gateway", gateway);
        best_metric = metric;
    }
    return best ? best : json_null();
}

static void set_default_route(json_t *obj)
{
    STRBUF(text, TEXT_MAX);
    file_read("/proc/net/route", &text, NULL);
    json_object_set_new(obj, "default_route", network_default_route(text.data));
}

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static void add_words(json_t *list, const char *words)
{
    STRV(parts);
    strv_split(&parts, words, ' ');
    for (size_t i = 0; i < parts.count && json_array_size(list) < FACTS_LIST_MAX; i++)
        json_array_append_new(list, json_string(parts.items[i]));
}

bool network_parse_resolv(const char *text, json_t *nameservers, json_t *search)
{
    bool has_loop = false;
    STRV(lines);
    strv_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        char *line = lines.items[i];
        for (char *c = line; *c; c++)
            if (isspace((unsigned char) *c))
                *c = ' ';
        if (strncmp(line, "nameserver ", 11) == 0)
            add_words(nameservers, line + 11);
        else if (strncmp(line, "search ", 7) == 0) {
            json_array_clear(search); /* resolv.conf(5): the last one counts */
            add_words(search, line + 7);
        }
    }
    size_t i;
    json_t *server;
    json_array_foreach(nameservers, i, server)
        has_loop = has_loop || is_loopback(json_string_value(server));
    return json_array_size(nameservers) > 0 && !has_loop;
}

/* A pod's question must not come back to the resolver that sent it: loops kill CoreDNS. */
static void set_resolv(json_t *obj)
{
    static const char *const candidates[] = {"/etc/resolv.conf",
                                             "/run/systemd/resolve/resolv.conf"};
    for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
        STRBUF(text, TEXT_MAX);
        AUTO_JSON *servers = json_array();
        AUTO_JSON *search = json_array();
        if (file_read(candidates[i], &text, NULL) < 0 ||
            !network_parse_resolv(text.data, servers, search))
            continue;
        json_object_set_new(obj, "resolv",
                            json_pack("{s:s, s:O, s:O}", "path", candidates[i], "nameservers",
                                      servers, "search", search));
        return;
    }
    json_object_set_new(obj, "resolv",
                        json_pack("{s:n, s:[], s:[]}", "path", "nameservers", "search"));
}

static bool has_port(const json_t *list, const char *protocol, unsigned port)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
        if (json_get_int(item, "port", 0) == port &&
            strcmp(json_get_string(item, "protocol", ""), protocol) == 0)
            return true;
    return false;
}

/* "0: 0100007F:0CEA 00000000:0000 0A …" */
void network_parse_listening(const char *text, const char *protocol, json_t *list)
{
    unsigned wanted = strcmp(protocol, "tcp") == 0 ? TCP_LISTEN : UDP_OPEN;
    STRV(lines);
    strv_split(&lines, text, '\n');
    for (size_t i = 1; i < lines.count && json_array_size(list) < FACTS_LIST_MAX; i++) {
        unsigned port, state;
        if (sscanf(lines.items[i], " %*d: %*32[0-9A-Fa-f]:%x %*32[0-9A-Fa-f]:%*x %x", &port,
                   &state) == 2 &&
            state == wanted && !has_port(list, protocol, port))
            json_array_append_new(
                list, json_pack("{s:s, s:i}", "protocol", protocol, "port", (int) port));
    }
}

static void set_listening(json_t *obj)
{
    static const char *const files[][2] = {{"/proc/net/tcp", "tcp"},
                                           {"/proc/net/tcp6", "tcp"},
                                           {"/proc/net/udp", "udp"},
                                           {"/proc/net/udp6", "udp"}};
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        STRBUF(text, TEXT_MAX);
        if (file_read(files[i][0], &text, NULL) >= 0)
            network_parse_listening(text.data, files[i][1], list);
    }
    json_object_set_new(obj, "listening", list);
}

void facts_network(json_t *obj)
{
    set_interfaces(obj);
    set_default_route(obj);
    set_resolv(obj);
    set_listening(obj);
}
