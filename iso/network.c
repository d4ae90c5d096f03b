#include "iso/network.h"

#include "iso/links.h"
#include "lib/cleanup.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"
#include "lib/strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "10-bigtop-"
#define FILE_MAX 4096
#define RELOAD_TIMEOUT_MS 30000

void iso_network_files_release(struct iso_network_files *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->items[i].name);
        free(f->items[i].text);
    }
    free(f->items);
    *f = (struct iso_network_files){0};
}

static void add_file(struct iso_network_files *f, const char *of, const char *kind,
                     struct strbuf *text)
{
    f->items = xrealloc(f->items, f->count + 1, sizeof(*f->items));
    f->items[f->count++] = (struct iso_network_file){xasprintf(PREFIX "%s.%s", of, kind),
                                                     strbuf_steal(text)};
}

/* What is on a card or bond itself: a VLAN and nothing else, or the machine's addresses. */
static void add_use(const struct iso_network *n, const char *vlan, struct strbuf *out)
{
    strbuf_adds(out, "\n[Network]\n");
    if (vlan) {
        strbuf_addf(out, "VLAN=%s\nLinkLocalAddressing=no\n", vlan);
        return;
    }
    strbuf_adds(out, "LLMNR=no\n");
    if (!n->address) {
        /* As iso/live has it for cards that hosts.yaml does not know. */
        strbuf_adds(out, "DHCP=yes\n\n[DHCPv4]\nClientIdentifier=mac\nUseHostname=no\n");
        return;
    }
    strbuf_addf(out, "Address=%s%s\n", n->address, strchr(n->cidr, '/'));
    if (n->gateway)
        strbuf_addf(out, "Gateway=%s\n", n->gateway);
}

static void add_card(struct iso_network_files *f, const struct iso_network *n, const char *mac,
                     const char *vlan)
{
    char digits[ISO_MAC_TEXT];
    STRBUF(text, FILE_MAX);
    iso_mac_digits(mac, digits);
    /* Permanent: a bridge or VLAN on the card has the card's number too. */
    strbuf_addf(&text, "[Match]\nPermanentMACAddress=%s\n", mac);
    if (n->mode)
        strbuf_adds(&text, "\n[Network]\nBond=" ISO_BOND "\n");
    else
        add_use(n, vlan, &text);
    add_file(f, digits, "network", &text);
}

static void add_bond(struct iso_network_files *f, const struct iso_network *n, const char *vlan)
{
    STRBUF(device, FILE_MAX);
    STRBUF(network, FILE_MAX);
    /* Its number stays what it is, whichever card is there first: DHCP servers know it. */
    strbuf_addf(&device,
                "[NetDev]\nName=" ISO_BOND "\nKind=bond\nMACAddress=%s\n\n[Bond]\nMode=%s\n"
                "MIIMonitorSec=100ms\n",
                n->macs[0], n->mode);
    /* The pods' packets between two hosts differ in their UDP port alone. */
    if (strcmp(n->mode, "802.3ad") == 0)
        strbuf_adds(&device, "TransmitHashPolicy=layer3+4\n");
    strbuf_adds(&network, "[Match]\nName=" ISO_BOND "\n");
    add_use(n, vlan, &network);
    add_file(f, ISO_BOND, "netdev", &device);
    add_file(f, ISO_BOND, "network", &network);
}

static void add_vlan(struct iso_network_files *f, const struct iso_network *n, const char *vlan)
{
    STRBUF(device, FILE_MAX);
    STRBUF(network, FILE_MAX);
    strbuf_addf(&device, "[NetDev]\nName=%s\nKind=vlan\n\n[VLAN]\nId=%u\n", vlan, n->vlan);
    strbuf_addf(&network, "[Match]\nName=%s\n", vlan);
    add_use(n, NULL, &network);
    add_file(f, vlan, "netdev", &device);
    add_file(f, vlan, "network", &network);
}

void iso_network_files(const struct iso_network *n, struct iso_network_files *out)
{
    char name[IFNAMSIZ];
    (void) snprintf(name, sizeof(name), ISO_VLAN, n->vlan);
    const char *vlan = n->vlan ? name : NULL;
    for (size_t i = 0; i < n->mac_count; i++)
        add_card(out, n, n->macs[i], vlan);
    if (n->mode)
        add_bond(out, n, vlan);
    if (vlan)
        add_vlan(out, n, vlan);
}

static bool is_wanted(const struct iso_network_files *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i].name, name) == 0)
            return true;
    return false;
}

static int remove_others(const struct iso_network_files *f, const char *dir, bool *changed,
                         struct error *err)
{
    AUTO_DIR *folder = opendir(dir);
    if (!folder)
        return error_errno(err, -errno, "%s", dir);
    for (const struct dirent *e; (e = readdir(folder));) {
        if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) != 0 || is_wanted(f, e->d_name))
            continue;
        if (unlinkat(dirfd(folder), e->d_name, 0) < 0)
            return error_errno(err, -errno, "remove %s/%s", dir, e->d_name);
        *changed = true;
    }
    return 0;
}

static int write_one(const struct iso_network_file *f, const char *dir, bool *changed,
                     struct error *err)
{
    AUTO_FREE char *path = path_join(dir, f->name);
    size_t len = strlen(f->text);
    if (file_is(path, f->text, len, 0644) == 1)
        return 0;
    *changed = true;
    return file_write_atomic(path, f->text, len, 0644, err);
}

int iso_network_write(const struct iso_network *n, const char *dir, bool *changed,
                      struct error *err)
{
    AUTO_ISO_NETWORK_FILES files = {0};
    int r;
    *changed = false;
    iso_network_files(n, &files);
    if ((r = path_mkdir_p(dir, 0755, err)) < 0 ||
        (r = remove_others(&files, dir, changed, err)) < 0)
        return r;
    for (size_t i = 0; r == 0 && i < files.count; i++)
        r = write_one(&files.items[i], dir, changed, err);
    return r;
}

int iso_network_take(const struct iso_network *n, struct error *err)
{
    static const char *const reload[] = {"networkctl", "reload", NULL};
    const struct process_options opts = {.timeout_ms = RELOAD_TIMEOUT_MS};
    bool changed;
    int r = iso_network_write(n, "/" ISO_NETWORK_DIR, &changed, err);
    return r < 0 || !changed ? r : process_run(reload, &opts, NULL, err);
}
