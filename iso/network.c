#include "iso/network.h"

#include "lib/cleanup.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <string.h>

#define FILE_MAX 4096
#define DIGITS_MAX 32

void iso_network_release(struct iso_network *n)
{
    free(n->items);
    *n = (struct iso_network){0};
}

void iso_network_add(struct iso_network *n, const char *mac, const char *address)
{
    n->items = xrealloc(n->items, n->count + 1, sizeof(*n->items));
    n->items[n->count++] = (struct iso_address){mac, address};
}

/* PermanentMACAddress: a bridge or VLAN on the card has the card's number too. */
char *iso_network_file(const struct iso_network *n, size_t i, struct strbuf *out)
{
    STRBUF(digits, DIGITS_MAX);
    const struct iso_address *item = &n->items[i];
    for (const char *c = item->mac; *c; c++)
        if (*c != ':')
            strbuf_addc(&digits, *c);
    strbuf_addf(out, "[Match]\nPermanentMACAddress=%s\n\n[Network]\nLLMNR=no\nAddress=%s%s\n",
                item->mac, item->address, strchr(n->cidr, '/'));
    if (n->gateway)
        strbuf_addf(out, "Gateway=%s\n", n->gateway);
    return xasprintf("10-bigtop-%s.network", digits.data);
}

int iso_network_write(const struct iso_network *n, const char *dir, struct error *err)
{
    int r = path_mkdir_p(dir, 0755, err);
    for (size_t i = 0; r == 0 && i < n->count; i++) {
        STRBUF(text, FILE_MAX);
        AUTO_FREE char *name = iso_network_file(n, i, &text);
        AUTO_FREE char *path = path_join(dir, name);
        r = file_write_atomic(path, text.data, text.len, 0644, err);
    }
    return r;
}
