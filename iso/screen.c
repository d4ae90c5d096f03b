#include "iso/screen.h"

#include <string.h>

static const char *without_cable(const struct iso_link *l)
{
    return l->kind == ISO_BOND_LINK ? "none of its cards has a cable"
                                    : "no cable, or nothing at its other end";
}

/* A card in a bond, or with a VLAN on it, has no address of its own. */
static void add_use(const struct iso_link *l, struct strbuf *out)
{
    bool in_bond = l->kind == ISO_CARD && strncmp(l->user, "bond", 4) == 0;
    strbuf_addf(out, "%s %s%s%s\n", in_bond ? "part of" : "carries", l->user, l->cable ? "" : ": ",
                l->cable ? "" : without_cable(l));
}

static void add_state(const struct iso_link *l, struct strbuf *out)
{
    if (!l->cable)
        strbuf_addf(out, "%s\n", without_cable(l));
    else if (l->kind == ISO_VLAN_LINK)
        strbuf_adds(out, "no address: nobody in this VLAN has given a DHCP lease yet\n");
    else
        strbuf_adds(out, "no address: nobody has given a DHCP lease yet\n");
}

static void add_link(const struct iso_link *l, struct strbuf *out)
{
    AUTO_FREE char *addresses = strv_join(&l->addresses, "  ");
    strbuf_addf(out, "  %-12s %-17s  ", l->name, l->mac);
    if (l->addresses.count)
        strbuf_addf(out, "%s%s\n", addresses, l->cable ? "" : "  (no cable)");
    else if (l->user[0])
        add_use(l, out);
    else
        add_state(l, out);
    if (l->no_partner)
        strbuf_adds(out, "               the switch does not speak LACP on these ports\n");
}

static bool has_address(const struct iso_links *links)
{
    for (size_t i = 0; i < links->count; i++)
        if (links->items[i].addresses.count)
            return true;
    return false;
}

/* The comment, or the key itself when it has none. Keys come from whoever made the image. */
static void add_key(const char *line, struct strbuf *out)
{
    STRV(words);
    strv_split(&words, line, ' ');
    const char *shown = words.count > 2 ? strchr(strchr(line, ' ') + 1, ' ') + 1 : line;
    strbuf_adds(out, "  may log in   ");
    strbuf_add_printable(out, shown, strlen(shown));
    strbuf_addc(out, '\n');
}

void iso_screen_draw(const struct iso_screen *screen, struct strbuf *out)
{
    const struct iso_links *links = screen->links;
    bool ready = has_address(links) && screen->fingerprint;
    strbuf_addf(out, "Bigtop host %s: %s\n\n", screen->name,
                screen->install ? "to be installed"
                : ready         ? "waiting for the coordinator"
                                : "not reachable yet");
    for (size_t i = 0; i < links->count; i++)
        add_link(&links->items[i], out);
    if (links->count == 0)
        strbuf_adds(out, "  no network card that this kernel knows\n");
    for (size_t i = 0; i < screen->missing->count; i++) {
        strbuf_adds(out, "  ");
        strbuf_add_printable(out, screen->missing->items[i], strlen(screen->missing->items[i]));
        strbuf_addc(out, '\n');
    }
    strbuf_addf(out, "\n  SSH key      %s\n",
                screen->fingerprint ? screen->fingerprint : "not made yet");
    for (size_t i = 0; i < screen->keys->count; i++)
        add_key(screen->keys->items[i], out);
    if (screen->install)
        strbuf_addf(out, "\n  %s\n", screen->install);
    else if (screen->disk)
        strbuf_addf(out, "\n  Runs from %s.\n", screen->disk);
    else
        strbuf_adds(out, "\n  Started from the medium; no disk of this machine was changed.\n");
}
