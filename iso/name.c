#include "iso/name.h"

#include "lib/fd.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define UNNAMED "bigtop" /* what the live root calls every machine; iso/live/hooks */

char *iso_name_of(const struct iso_links *links)
{
    if (links->count == 0)
        return NULL;
    char digits[ISO_MAC_TEXT];
    iso_mac_digits(links->items[0].mac, digits);
    return xasprintf("bigtop-%s", digits);
}

int iso_name_take(const struct iso_links *links, const char *wanted, struct error *err)
{
    char now[HOST_NAME_MAX + 1] = "";
    AUTO_FREE char *name = wanted ? xstrdup(wanted) : iso_name_of(links);
    (void) gethostname(now, sizeof(now));
    bool has_it = wanted ? strcmp(now, wanted) == 0 : strcmp(now, UNNAMED) != 0;
    if (!name || has_it)
        return 0;
    AUTO_FREE char *line = xasprintf("%s\n", name);
    if (sethostname(name, strlen(name)) < 0)
        return error_errno(err, -errno, "call this machine %s", name);
    return file_write_atomic("/etc/hostname", line, strlen(line), 0644, err);
}
