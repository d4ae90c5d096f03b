#include "images/launcher/settings.h"

#include "lib/fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLANKS " \t\r"

void settings_release(struct settings *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->items[i].key);
        free(s->items[i].value);
    }
    free(s->items);
    *s = (struct settings){0};
}

static int set(struct settings *s, const char *key, const char *value, struct error *err)
{
    size_t i = 0;
    while (i < s->count && strcmp(s->items[i].key, key) != 0)
        i++;
    if (i == SETTINGS_MAX)
        return error_set(err, -E2BIG, "more than %d keys", SETTINGS_MAX);
    if (i == s->count) {
        s->items = xrealloc(s->items, ++s->count, sizeof(*s->items));
        s->items[i] = (struct setting){.key = xstrdup(key)};
    }
    free(s->items[i].value);
    s->items[i].value = xstrdup(value);
    return 0;
}

static char *trimmed(const char *text, size_t len)
{
    size_t blanks = strspn(text, BLANKS);
    if (blanks >= len)
        return xstrdup("");
    while (strchr(BLANKS, text[len - 1]))
        len--;
    return xstrndup(text + blanks, len - blanks);
}

static int add_line(struct settings *s, const char *line, struct error *err)
{
    size_t blanks = strspn(line, BLANKS);
    if (!line[blanks] || line[blanks] == '#')
        return 0;
    size_t len = strcspn(line, "=");
    AUTO_FREE char *key = trimmed(line, len);
    if (!line[len] || !*key)
        return error_set(err, -EINVAL, "expected KEY=VALUE");
    AUTO_FREE char *value = trimmed(line + len + 1, strlen(line + len + 1));
    return set(s, key, value, err);
}

static int add_lines(struct settings *s, char *text, const char *path, struct error *err)
{
    unsigned number = 1;
    for (char *line = text; line; number++) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        int r = add_line(s, line, err);
        if (r < 0)
            return error_prefix(err, "%s:%u", path, number);
        line = end ? end + 1 : NULL;
    }
    return 0;
}

int settings_add_file(struct settings *s, const char *path, struct error *err)
{
    size_t len = strlen(path);
    bool optional = len && path[len - 1] == '?';
    AUTO_FREE char *own = xstrndup(path, len - optional);
    STRBUF(text, SETTINGS_FILE_MAX);
    if (optional && access(own, F_OK) < 0 && errno == ENOENT)
        return 0;
    int r = file_read(own, &text, err);
    if (r < 0)
        return r;
    if (strlen(text.data) != text.len)
        return error_set(err, -EINVAL, "%s has a zero byte", own);
    return add_lines(s, text.data, own, err);
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct setting *) a)->key, ((const struct setting *) b)->key);
}

int settings_add_env(struct settings *s, const char *prefix, struct error *err)
{
    size_t len = strlen(prefix);
    AUTO_SETTINGS found = {0};
    int r = 0;
    for (char **e = environ; r == 0 && *e; e++) {
        const char *equals = strchr(*e, '=');
        if (strncmp(*e, prefix, len) != 0 || !equals || equals <= *e + len)
            continue;
        AUTO_FREE char *key = xstrndup(*e + len, (size_t) (equals - *e) - len);
        r = set(&found, key, equals + 1, err);
    }
    if (found.count)
        qsort(found.items, found.count, sizeof(*found.items), compare);
    for (size_t i = 0; r == 0 && i < found.count; i++)
        r = set(s, found.items[i].key, found.items[i].value, err);
    return r;
}
