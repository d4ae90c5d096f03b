#include "kubeadm/emit.h"

#include <string.h>

void emit_init(struct emit *e, size_t max)
{
    *e = (struct emit){0};
    strbuf_init(&e->buf, max);
}

void emit_release(struct emit *e)
{
    strbuf_release_secret(&e->buf); /* tokens pass through here */
}

static unsigned sequence_length(unsigned char lead)
{
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        return 3;
    }
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

static bool code_point_valid(unsigned code, unsigned len)
{
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    return code >= smallest[len] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

/* Decodes one character that is not ASCII; returns how many bytes it took. */
static size_t decode(const unsigned char *s, unsigned *code)
{
    unsigned len = sequence_length(s[0]);
    unsigned value = len > 0 ? s[0] & (0x7fU >> len) : 0;
    for (unsigned i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            len = 0;
            break;
        }
        value = value << 6 | (s[i] & 0x3fU);
    }
    bool valid = len > 0 && code_point_valid(value, len);
    *code = valid ? value : 0xfffd;
    return valid ? len : 1;
}

static size_t quote_one(struct strbuf *out, const unsigned char *s)
{
    if (s[0] == '"' || s[0] == '\\') {
        strbuf_addc(out, '\\');
        strbuf_addc(out, (char) s[0]);
        return 1;
    }
    if (s[0] >= 0x20 && s[0] < 0x7f) {
        strbuf_addc(out, (char) s[0]);
        return 1;
    }
    unsigned code = s[0];
    size_t taken = s[0] < 0x80 ? 1 : decode(s, &code);
    strbuf_addf(out, code > 0xffff ? "\\U%08x" : "\\u%04x", code);
    return taken;
}

void emit_quoted(struct strbuf *out, const char *text)
{
    const unsigned char *s = (const unsigned char *) text;
    strbuf_addc(out, '"');
    while (*s != '\0') {
        s += quote_one(out, s);
    }
    strbuf_addc(out, '"');
}

static void start_line(struct emit *e)
{
    unsigned steps = e->dash ? e->depth - 1 : e->depth;
    for (unsigned i = 0; i < steps; i++) {
        strbuf_adds(&e->buf, "  ");
    }
    strbuf_adds(&e->buf, e->dash ? "- " : "");
    e->dash = false;
}

static void start_value(struct emit *e, const char *key)
{
    start_line(e);
    strbuf_adds(&e->buf, key);
    strbuf_adds(&e->buf, ": ");
}

void emit_document(struct emit *e, const char *api_version, const char *kind)
{
    strbuf_adds(&e->buf, "---\n");
    emit_string(e, "apiVersion", api_version);
    emit_string(e, "kind", kind);
}

void emit_open(struct emit *e, const char *key)
{
    start_line(e);
    strbuf_adds(&e->buf, key);
    strbuf_adds(&e->buf, ":\n");
    e->depth++;
}

void emit_item(struct emit *e)
{
    e->depth++;
    e->dash = true;
}

void emit_close(struct emit *e)
{
    e->depth--;
}

void emit_string(struct emit *e, const char *key, const char *value)
{
    start_value(e, key);
    emit_quoted(&e->buf, value);
    strbuf_addc(&e->buf, '\n');
}

void emit_number(struct emit *e, const char *key, unsigned value)
{
    start_value(e, key);
    strbuf_addf(&e->buf, "%u\n", value);
}

void emit_bool(struct emit *e, const char *key, bool value)
{
    start_value(e, key);
    strbuf_adds(&e->buf, value ? "true\n" : "false\n");
}

void emit_empty_list(struct emit *e, const char *key)
{
    start_value(e, key);
    strbuf_adds(&e->buf, "[]\n");
}

void emit_string_item(struct emit *e, const char *value)
{
    start_line(e);
    strbuf_adds(&e->buf, "- ");
    emit_quoted(&e->buf, value);
    strbuf_addc(&e->buf, '\n');
}
