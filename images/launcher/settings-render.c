#include "images/launcher/settings.h"
#include "images/launcher/words.h"
#include "lib/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* One character of UTF-8, and *s behind it; -1 for what is none. */
static int32_t next_character(const char **s)
{
    const unsigned char *p = (const unsigned char *) *s;
    static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
    int more = *p < 0x80 ? 0 : *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
    if ((*p >= 0x80 && *p < 0xc2) || *p > 0xf4)
        return -1;
    int32_t c = more ? *p & (0x3f >> more) : *p;
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return -1;
        c = c << 6 | (p[i] & 0x3f);
    }
    *s += more + 1;
    return c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? -1 : c;
}

static bool is_utf8(const char *s)
{
    while (*s)
        if (next_character(&s) < 0)
            return false;
    return true;
}

static void add_xml_text(const char *s, struct strbuf *out)
{
    for (; *s; s++)
        if (*s == '&')
            strbuf_adds(out, "&amp;");
        else if (*s == '<')
            strbuf_adds(out, "&lt;");
        else if (*s == '>')
            strbuf_adds(out, "&gt;");
        else
            strbuf_addc(out, *s);
}

/* XML 1.0 has no way to write the other control characters. */
static bool is_xml(const char *s)
{
    for (; *s; s++)
        if ((unsigned char) *s < ' ' && !strchr("\t\n", *s))
            return false;
    return true;
}

static int add_xml(const struct setting *s, struct strbuf *out, struct error *err)
{
    if (!is_xml(s->key) || !is_xml(s->value))
        return error_set(err, -EINVAL, "%s has a character that XML cannot hold", s->key);
    strbuf_adds(out, "  <property><name>");
    add_xml_text(s->key, out);
    strbuf_adds(out, "</name><value>");
    add_xml_text(s->value, out);
    strbuf_adds(out, "</value></property>\n");
    return 0;
}

static void add_utf16(int32_t c, struct strbuf *out)
{
    if (c > 0xffff) {
        strbuf_addf(out, "\\u%04X", (unsigned) (0xd800 + ((c - 0x10000) >> 10)));
        c = 0xdc00 + ((c - 0x10000) & 0x3ff);
    }
    strbuf_addf(out, "\\u%04X", (unsigned) c);
}

/* Java reads Latin-1 there, and more as \u. */
static void add_properties_text(const char *s, bool is_key, struct strbuf *out)
{
    for (const char *start = s; *s;) {
        bool first = s == start;
        int32_t c = next_character(&s);
        if (c < ' ' || c > '~') {
            add_utf16(c, out);
            continue;
        }
        if (c == '\\' || (is_key && strchr(":= ", c)) || (first && strchr("#! ", c)))
            strbuf_addc(out, '\\');
        strbuf_addc(out, (char) c);
    }
}

static int add_properties(const struct setting *s, struct strbuf *out, struct error *err)
{
    (void) err;
    add_properties_text(s->key, true, out);
    strbuf_addc(out, '=');
    add_properties_text(s->value, false, out);
    strbuf_addc(out, '\n');
    return 0;
}

static int add_env(const struct setting *s, struct strbuf *out, struct error *err)
{
    if (!words_is_name(s->key) || strpbrk(s->key, ".-"))
        return error_set(err, -EINVAL, "\"%s\" is no name of a variable", s->key);
    strbuf_addf(out, "%s='", s->key);
    for (const char *c = s->value; *c; c++)
        if (*c == '\'')
            strbuf_adds(out, "'\\''");
        else
            strbuf_addc(out, *c);
    strbuf_adds(out, "'\n");
    return 0;
}

static void add_yaml_text(const char *s, struct strbuf *out)
{
    strbuf_addc(out, '"');
    for (; *s; s++)
        if ((unsigned char) *s < ' ' || *s == 0x7f)
            strbuf_addf(out, "\\x%02X", (unsigned) *s);
        else if (*s == '"' || *s == '\\')
            strbuf_addf(out, "\\%c", *s);
        else
            strbuf_addc(out, *s);
    strbuf_addc(out, '"');
}

/* What YAML 1.1 and 1.2 read as the same number or flag. */
static bool is_plain_yaml(const char *s)
{
    static const char digits[] = "0123456789";
    if (strcmp(s, "true") == 0 || strcmp(s, "false") == 0)
        return true;
    s += *s == '-';
    size_t whole = strspn(s, digits);
    if (!whole || (whole > 1 && *s == '0'))
        return false;
    s += whole;
    return !*s || (*s == '.' && s[1] && strspn(s + 1, digits) == strlen(s + 1));
}

static int add_yaml(const struct setting *s, struct strbuf *out, struct error *err)
{
    (void) err;
    add_yaml_text(s->key, out);
    strbuf_adds(out, ": ");
    if (is_plain_yaml(s->value))
        strbuf_adds(out, s->value);
    else
        add_yaml_text(s->value, out);
    return strbuf_addc(out, '\n');
}

struct format {
    const char *name, *head, *tail;
    int (*add)(const struct setting *s, struct strbuf *out, struct error *err);
};

static const struct format formats[] = {
    {"xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<configuration>\n", "</configuration>\n",
     add_xml},
    {"properties", "", "", add_properties},
    {"env", "", "", add_env},
    {"yaml", "", "", add_yaml},
};

static const struct format *find_format(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

int settings_render(const struct settings *s, const char *format, struct strbuf *out,
                    struct error *err)
{
    const struct format *f = find_format(format);
    if (!f)
        return error_set(err, -EINVAL, "no format \"%s\": xml, properties, env, yaml", format);
    strbuf_adds(out, f->head);
    for (size_t i = 0; i < s->count; i++) {
        const struct setting *one = &s->items[i];
        if (!is_utf8(one->key) || !is_utf8(one->value))
            return error_set(err, -EINVAL, "%s is no UTF-8", one->key);
        int r = f->add(one, out, err);
        if (r < 0)
            return strbuf_full(out) ? error_set(err, -E2BIG, "too much for a file") : r;
    }
    strbuf_adds(out, f->tail);
    return strbuf_full(out) ? error_set(err, -E2BIG, "too much for a file") : 0;
}
