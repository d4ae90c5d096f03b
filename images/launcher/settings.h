/* What goes into a configuration file: keys and values, and the formats that files have. */
#pragma once

#include "lib/error.h"
#include "lib/strbuf.h"

#include <stddef.h>

#define SETTINGS_MAX 4096               /* keys */
#define SETTINGS_FILE_MAX (1024 * 1024) /* bytes; no ConfigMap is larger */

struct setting {
    char *key, *value;
};
struct settings {
    struct setting *items; /* in the order in which their keys came first */
    size_t count;
};
void settings_release(struct settings *s);
#define AUTO_SETTINGS CLEANUP(settings_release) struct settings

/* Each adds to what is there; a key that is there already gets the new value.
 * The lines KEY=VALUE of a file, blanks around both dropped, but for empty lines and those that
 * begin with "#". A "?" at the end of the path: one that is not there is empty. */
int settings_add_file(struct settings *s, const char *path, struct error *err);
/* Each environment variable that begins with the prefix; what follows is the key. In bytewise order
 * of keys. */
int settings_add_env(struct settings *s, const char *prefix, struct error *err);

/* Writes them as xml (Hadoop's configuration), properties (java.util.Properties), env (for a shell
 * or systemd) or yaml (flat; numbers and flags as such, all else as texts). -EINVAL: no such
 * format, or something that it cannot hold. */
int settings_render(const struct settings *s, const char *format, struct strbuf *out,
                    struct error *err);
