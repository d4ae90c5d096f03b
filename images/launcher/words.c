#include "images/launcher/words.h"

#include "lib/strbuf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLANKS " \t\r\n"

struct reader {
    const char *at;
    bool expand;
    bool inside, quoted; /* between quotes; quotes were there */
};

static size_t name_length(const char *s)
{
    if (!isalpha((unsigned char) *s) && *s != '_')
        return 0;
    size_t len = 1;
    while (isalnum((unsigned char) s[len]) || (s[len] && strchr("_.-", s[len])))
        len++;
    return len;
}

bool words_is_name(const char *text)
{
    return *text && name_length(text) == strlen(text);
}

static int expand(const char *name, const char *fallback, size_t fallback_len, struct strbuf *out,
                  struct error *err)
{
    const char *value = getenv(name);
    if (value && (*value || !fallback))
        strbuf_adds(out, value);
    else if (fallback)
        strbuf_add(out, fallback, fallback_len);
    else
        return error_set(err, -EINVAL, "%s is not set", name);
    return 0;
}

static int read_variable(struct reader *r, struct strbuf *out, struct error *err)
{
    const char *name = r->at + 2, *end = strchr(name, '}'), *fallback = NULL;
    if (!end)
        return error_set(err, -EINVAL, "a \"${\" without its \"}\"");
    size_t len = name_length(name);
    if (strncmp(name + len, ":-", 2) == 0)
        fallback = name + len + 2;
    if (len == 0 || (!fallback && name + len != end))
        return error_set(err, -EINVAL, "expected ${NAME} or ${NAME:-TEXT}, not \"${%.*s}\"",
                         (int) (end - name), name);
    const char *whole = r->at;
    r->at = end + 1;
    if (!r->expand)
        return strbuf_add(out, whole, (size_t) (r->at - whole));
    AUTO_FREE char *own = xstrndup(name, len);
    return expand(own, fallback, fallback ? (size_t) (end - fallback) : 0, out, err);
}

static int read_piece(struct reader *r, struct strbuf *out, struct error *err)
{
    const char *p = r->at;
    if (p[0] == '$' && p[1] == '{')
        return read_variable(r, out, err);
    if (*p == '"') {
        r->inside = !r->inside;
        r->quoted = true;
    } else if (r->inside && *p == '\\' && p[1] && strchr("\"\\$", p[1])) {
        strbuf_addc(out, p[1]);
        r->at++;
    } else {
        strbuf_addc(out, *p);
    }
    r->at++;
    return 0;
}

static int read_word(struct reader *r, struct strbuf *out, struct error *err)
{
    int e = 0;
    r->inside = r->quoted = false;
    while (e == 0 && *r->at && (r->inside || !strchr(BLANKS, *r->at)))
        e = read_piece(r, out, err);
    if (e == 0 && r->inside)
        return error_set(err, -EINVAL, "a quote is not closed");
    return e < 0 && strbuf_full(out) ? error_set(err, -E2BIG, "a word is too long") : e;
}

static int compare_names(const void *a, const void *b)
{
    const char *x = *(char *const *) a, *y = *(char *const *) b;
    size_t nx = strcspn(x, "="), ny = strcspn(y, "=");
    int order = memcmp(x, y, nx < ny ? nx : ny);
    return order ? order : (nx > ny) - (nx < ny);
}

static void add_each(const char *prefix, struct strv *out)
{
    STRV(found);
    for (char **e = environ; *e; e++)
        if (strncmp(*e, prefix, strlen(prefix)) == 0 && strchr(*e, '='))
            strv_add(&found, *e);
    if (found.count)
        qsort(found.items, found.count, sizeof(*found.items), compare_names);
    for (size_t i = 0; i < found.count; i++)
        strv_add(out, strchr(found.items[i], '=') + 1);
}

/* True when the next word is ${PREFIX*}, which it takes. */
static bool take_each(struct reader *r, struct strv *out)
{
    if (strncmp(r->at, "${", 2) != 0)
        return false;
    size_t len = name_length(r->at + 2);
    const char *end = r->at + 2 + len;
    if (len == 0 || strncmp(end, "*}", 2) != 0 || !strchr(BLANKS, end[2]))
        return false;
    AUTO_FREE char *prefix = xstrndup(r->at + 2, len);
    if (r->expand)
        add_each(prefix, out);
    else
        strv_addf(out, "${%s*}", prefix);
    r->at = end + 2;
    return true;
}

int words_split(const char *line, bool expand, struct strv *out, struct error *err)
{
    struct reader r = {.at = line, .expand = expand};
    for (r.at += strspn(r.at, BLANKS); *r.at && *r.at != '#'; r.at += strspn(r.at, BLANKS)) {
        if (take_each(&r, out))
            continue;
        STRBUF(word, WORD_MAX);
        int e = read_word(&r, &word, err);
        if (e < 0)
            return e;
        if (strbuf_full(&word))
            return error_set(err, -E2BIG, "a word is too long");
        if (word.len || r.quoted)
            strv_add(out, word.data);
    }
    return 0;
}
