#include "iso/screen.h"

#include <string.h>

static void add_link(const struct iso_link *l, struct strbuf *out)
{
    AUTO_FREE char *addresses = strv_join(&l->addresses, "  ");
    strbuf_addf(out, "  %-12s %-17s  ", l->name, l->mac);
    if (l->addresses.count)
        strbuf_addf(out, "%s%s\n", addresses, l->cable ? "" : "  (no cable)");
    else if (l->cable)
        strbuf_adds(out, "no address: nobody has given a DHCP lease yet\n");
    else
        strbuf_adds(out, "no cable, or nothing at its other end\n");
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
                ready ? "waiting for the coordinator" : "not reachable yet");
    for (size_t i = 0; i < links->count; i++)
        add_link(&links->items[i], out);
    if (links->count == 0)
        strbuf_adds(out, "  no network card that this kernel knows\n");
    strbuf_addf(out, "\n  SSH key      %s\n",
                screen->fingerprint ? screen->fingerprint : "not made yet");
    for (size_t i = 0; i < screen->keys->count; i++)
        add_key(screen->keys->items[i], out);
    strbuf_adds(out, "\n  Started from the medium; no disk of this machine was changed.\n");
}
