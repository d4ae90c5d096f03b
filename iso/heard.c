#include "iso/heard.h"

#include "lib/grammar.h"
#include "lib/process.h"
#include "lib/strbuf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OUTPUT_MAX ((size_t) 2 * 1024 * 1024)
#define ASK_TIMEOUT_MS 15000
#define SAID_MAX 512 /* a text is 255 bytes at most (RFC 6763, 6.1) */

/* A line is "=;eth0;IPv4;NAME;TYPE;DOMAIN;HOST;ADDRESS;PORT;TEXTS". */
enum { FIELD_SIGN, FIELD_CARD, FIELD_PROTOCOL, FIELD_NAME, FIELD_ADDRESS = 7, FIELD_PORT, FIELDS };

void iso_heard_release(struct iso_heard_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        strv_release(&l->items[i].macs);
    free(l->items);
    *l = (struct iso_heard_list){0};
}

static bool is_number(const char *s)
{
    return strspn(s, "0123456789abcdef") == strlen(s);
}

static void take_macs(const char *list, struct iso_heard *out)
{
    STRV(macs);
    strv_split(&macs, list, ',');
    for (size_t i = 0; i < macs.count && out->macs.count < ISO_HEARD_MACS_MAX; i++) {
        if (!grammar_mac(macs.items[i]))
            continue;
        for (char *c = macs.items[i]; *c; c++)
            *c = (char) tolower((unsigned char) *c);
        if (!strv_contains(&out->macs, macs.items[i]))
            strv_add(&out->macs, macs.items[i]);
    }
}

/* The first one counts (RFC 6763, 6.4). */
static void take_text(const char *value, bool (*grammar)(const char *), char *out, size_t size)
{
    if (out[0] == '\0' && strlen(value) < size && grammar(value))
        (void) snprintf(out, size, "%s", value);
}

static void take_said(char *said, struct iso_heard *out)
{
    char *value = strchr(said, '=');
    if (!value)
        return;
    *value++ = '\0';
    if (strncmp(said, ISO_SAYS_MAC, strlen(ISO_SAYS_MAC)) == 0)
        take_macs(value, out);
    else if (strcmp(said, ISO_SAYS_SERIAL) == 0)
        take_text(value, grammar_serial, out->serial, sizeof(out->serial));
    else if (strcmp(said, ISO_SAYS_KEY) == 0)
        take_text(value, grammar_fingerprint, out->fingerprint, sizeof(out->fingerprint));
    else if (strcmp(said, ISO_SAYS_IMAGE) == 0)
        take_text(value, is_number, out->image, sizeof(out->image));
}

/* "\010" is a byte in decimal; any other character after a backslash is itself. */
static char unescape(const char **at)
{
    const char *s = *at + 1;
    if (isdigit((unsigned char) s[0]) && isdigit((unsigned char) s[1]) &&
        isdigit((unsigned char) s[2])) {
        *at = s + 2;
        return (char) ((s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0'));
    }
    *at = s;
    return *s;
}

/* Texts in quotes, with blanks between them. */
static void take_texts(const char *texts, struct iso_heard *out)
{
    for (const char *at = texts; (at = strchr(at, '"'));) {
        STRBUF(said, SAID_MAX);
        for (at++; *at && *at != '"'; at++) {
            char c = *at == '\\' && at[1] ? unescape(&at) : *at;
            strbuf_addc(&said, c ? c : '?');
        }
        take_said(said.data, out);
        if (!*at++)
            return;
    }
}

/* Of a machine: not our own loopback, no group, not "whoever". */
static bool is_machine(const char *address)
{
    uint32_t ip;
    return grammar_ipv4_parse(address, &ip) && ip >> 24 != 0 && ip >> 24 != 127 && ip >> 28 < 14;
}

/* Cuts the line in place; false: too few. */
static bool cut_fields(char *line, char *fields[FIELDS], char **rest)
{
    for (size_t i = 0; i < FIELDS; i++) {
        char *end = strchr(line, ';');
        if (!end)
            return false;
        fields[i] = line;
        *end = '\0';
        line = end + 1;
    }
    *rest = line;
    return true;
}

static bool parse_line(char *line, struct iso_heard *out)
{
    char *fields[FIELDS], *texts;
    if (!cut_fields(line, fields, &texts) || strcmp(fields[FIELD_SIGN], "=") != 0 ||
        strcmp(fields[FIELD_PROTOCOL], "IPv4") != 0 || !is_machine(fields[FIELD_ADDRESS]) ||
        !grammar_u16(fields[FIELD_PORT], &out->port))
        return false;
    STRBUF(name, sizeof(out->name) - 1);
    (void) strbuf_add_printable(&name, fields[FIELD_NAME], strlen(fields[FIELD_NAME]));
    (void) snprintf(out->name, sizeof(out->name), "%s", name.data);
    (void) snprintf(out->address, sizeof(out->address), "%s", fields[FIELD_ADDRESS]);
    take_texts(texts, out);
    return true;
}

static bool is_there(const struct iso_heard_list *l, const struct iso_heard *h)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].port == h->port && strcmp(l->items[i].address, h->address) == 0 &&
            strcmp(l->items[i].name, h->name) == 0)
            return true;
    return false;
}

void iso_heard_parse(const char *text, struct iso_heard_list *out)
{
    STRV(lines);
    strv_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        struct iso_heard one = {0};
        bool is_new = parse_line(lines.items[i], &one) && !is_there(out, &one);
        if (!is_new || out->count == ISO_HEARD_MAX) {
            out->cut |= is_new;
            strv_release(&one.macs);
            continue;
        }
        out->items = xrealloc(out->items, out->count + 1, sizeof(*out->items));
        out->items[out->count++] = one;
    }
}

int iso_heard_ask(const bool *cancel, struct iso_heard_list *out, struct error *err)
{
    static const char *const browse[] = {"avahi-browse",   "--parsable", "--resolve", "--terminate",
                                         "--no-db-lookup", ISO_SERVICE,  NULL};
    STRBUF(text, OUTPUT_MAX);
    const struct process_options opts = {
        .out = &text, .timeout_ms = ASK_TIMEOUT_MS, .cancel = cancel, .die_with_parent = true};
    if (!process_in_path(browse[0])) {
        error_set(err, -ENOENT,
                  "avahi-browse, which hears hosts that announce themselves, is not "
                  "installed here");
        return error_remedy(err, "apt-get install avahi-daemon avahi-utils");
    }
    int r = process_run(browse, &opts, NULL, err);
    if (r == -EREMOTEIO)
        error_remedy(err, "systemctl start avahi-daemon");
    if (r < 0)
        return r;
    iso_heard_parse(text.data, out);
    out->cut |= strbuf_full(&text);
    return 0;
}

void iso_heard_words(const struct iso_heard *h, struct strbuf *out)
{
    for (size_t i = 0; i < h->macs.count; i++)
        strbuf_addf(out, "%s%s", i ? " " : "", h->macs.items[i]);
    strbuf_addf(out, "%s%s%s%s%s", h->macs.count ? ", " : "", h->serial[0] ? "serial " : "",
                h->serial, h->serial[0] ? ", " : "", h->address);
}
