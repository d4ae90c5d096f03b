#include "images/toml.h"

#include <errno.h>
#include <string.h>

#define STRING_MAX 4096
#define DEPTH_MAX 4

static const char bare_key[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

struct toml {
    const char *p, *name;
    unsigned line;
    struct error *err;
};

static int fail(const struct toml *t, const char *what)
{
    return error_set(t->err, -EINVAL, "%s:%u: %s", t->name, t->line, what);
}

static void skip_blanks(struct toml *t)
{
    t->p += strspn(t->p, " \t");
}

/* Blanks, line ends and comments. */
static void skip_lines(struct toml *t)
{
    for (;;) {
        t->p += strspn(t->p, " \t\r");
        if (*t->p == '#')
            t->p += strcspn(t->p, "\n");
        if (*t->p != '\n')
            return;
        t->line++;
        t->p++;
    }
}

static int end_line(struct toml *t)
{
    skip_blanks(t);
    t->p += *t->p == '\r';
    if (*t->p && *t->p != '\n' && *t->p != '#')
        return fail(t, "something follows where the line should end");
    return 0;
}

/* "basic" (with the escapes \" \\ \t) or 'literal' */
static int read_string(struct toml *t, char **out)
{
    STRBUF(text, STRING_MAX);
    char quote = *t->p++;
    for (; *t->p != quote; t->p++) {
        char c = *t->p;
        if (c == '\\' && quote == '"') {
            c = *++t->p;
            if (!c || !strchr("\"\\t", c))
                return fail(t, "an escape that is not supported");
            c = c == 't' ? '\t' : c;
        } else if ((unsigned char) c < 0x20 || c == 0x7f) {
            return fail(t, "a string without an end");
        }
        strbuf_addc(&text, c);
    }
    t->p++;
    if (strbuf_full(&text))
        return fail(t, "a string that is too long");
    *out = strbuf_steal(&text);
    return 0;
}

static int read_key(struct toml *t, char **out)
{
    if (*t->p == '"' || *t->p == '\'')
        return read_string(t, out);
    size_t len = strspn(t->p, bare_key);
    if (len == 0)
        return fail(t, "expected a name");
    *out = xstrndup(t->p, len);
    t->p += len;
    return 0;
}

static int read_list(struct toml *t, json_t *list)
{
    for (t->p++;; t->p++) {
        char *text = NULL;
        skip_lines(t);
        if (*t->p == ']')
            break;
        if (*t->p != '"' && *t->p != '\'')
            return fail(t, "expected a list of strings");
        int r = read_string(t, &text);
        if (r < 0)
            return r;
        int added = json_array_append_new(list, json_string(text));
        free(text);
        if (added < 0)
            return fail(t, "a string that is not UTF-8");
        skip_lines(t);
        if (*t->p == ']')
            break;
        if (*t->p != ',')
            return fail(t, "expected \",\" or \"]\"");
    }
    t->p++;
    return 0;
}

static bool take_word(struct toml *t, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(t->p, word, len) != 0 || (t->p[len] && strchr(bare_key, t->p[len])))
        return false;
    t->p += len;
    return true;
}

static int read_value(struct toml *t, json_t **out)
{
    AUTO_FREE char *text = NULL;
    if (*t->p == '[') {
        AUTO_JSON *list = json_array();
        int r = read_list(t, list);
        if (r == 0)
            *out = TAKE_PTR(list);
        return r;
    }
    if (*t->p == '"' || *t->p == '\'') {
        int r = read_string(t, &text);
        if (r < 0)
            return r;
        *out = json_string(text);
        return *out ? 0 : fail(t, "a string that is not UTF-8");
    }
    if (take_word(t, "true"))
        *out = json_true();
    else if (take_word(t, "false"))
        *out = json_false();
    else
        return fail(t, "expected a string, true, false or a list of strings");
    return 0;
}

static int read_pair(struct toml *t, json_t *table)
{
    AUTO_FREE char *key = NULL;
    json_t *value = NULL;
    int r = read_key(t, &key);
    if (r < 0)
        return r;
    skip_blanks(t);
    if (*t->p != '=')
        return fail(t, "expected \"=\"");
    t->p++;
    skip_blanks(t);
    if (json_object_get(table, key))
        return fail(t, "the same name for the second time");
    if ((r = read_value(t, &value)) < 0)
        return r;
    return json_object_set_new(table, key, value) < 0 ? fail(t, "a name that is not UTF-8") : 0;
}

/* The table below another, made when it isn't there. */
static int enter(struct toml *t, json_t **table, const char *key, bool last)
{
    json_t *next = json_object_get(*table, key);
    if (next && (last || !json_is_object(next)))
        return fail(t, "the same name for the second time");
    if (!next && json_object_set_new(*table, key, next = json_object()) < 0)
        return fail(t, "a name that is not UTF-8");
    *table = next;
    return 0;
}

/* [a."b".c] */
static int read_header(struct toml *t, json_t *root, json_t **table)
{
    *table = root;
    for (int depth = 0; *t->p != ']' || depth == 0; depth++) {
        AUTO_FREE char *key = NULL;
        int r;
        t->p++;
        skip_blanks(t);
        if (depth == DEPTH_MAX)
            return fail(t, "tables in too many tables");
        if ((r = read_key(t, &key)) < 0)
            return r;
        skip_blanks(t);
        if (*t->p != '.' && *t->p != ']')
            return fail(t, "expected \".\" or \"]\"");
        if ((r = enter(t, table, key, *t->p == ']')) < 0)
            return r;
    }
    t->p++;
    return 0;
}

json_t *toml_parse(const char *text, const char *name, struct error *err)
{
    struct toml t = {.p = text, .name = name, .line = 1, .err = err};
    AUTO_JSON *root = json_object();
    json_t *table = root;
    for (skip_lines(&t); *t.p; skip_lines(&t)) {
        int r = *t.p == '[' ? read_header(&t, root, &table) : read_pair(&t, table);
        if (r < 0 || end_line(&t) < 0)
            return NULL;
    }
    return TAKE_PTR(root);
}
