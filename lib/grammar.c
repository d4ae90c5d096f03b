#include "lib/grammar.h"

#include <arpa/inet.h>
#include <limits.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define LABEL_MAX 63
#define SUBDOMAIN_MAX 253
#define USER_MAX 32
#define IMAGE_REF_MAX 255
#define TAG_MAX 128
#define MAC_LEN 17
#define MAC_GROUP 1 /* the bit of the first byte that says so (IEEE 802) */
#define SERIAL_MAX 128
#define FINGERPRINT "SHA256:"
#define FINGERPRINT_DIGITS 43               /* of 32 bytes, without padding */
#define FINGERPRINT_LAST "AEIMQUYcgkosw048" /* its last two bits are none of the bytes' */

static bool all_in(const char *s, size_t len, const char *set)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] == '\0' || !strchr(set, s[i]))
            return false;
    return true;
}

/* Non-empty, made of inner characters, beginning and ending with an outer one. */
static bool is_word(const char *s, size_t len, const char *outer, const char *inner)
{
    return len > 0 && all_in(s, 1, outer) && all_in(s + len - 1, 1, outer) && all_in(s, len, inner);
}

static bool is_subdomain(const char *s, size_t len, const char *outer, const char *inner)
{
    if (len == 0 || len > SUBDOMAIN_MAX)
        return false;
    const char *end = s + len;
    for (;;) {
        const char *dot = memchr(s, '.', (size_t) (end - s));
        size_t part = (size_t) ((dot ? dot : end) - s);
        if (part > LABEL_MAX || !is_word(s, part, outer, inner))
            return false;
        if (!dot)
            return true;
        s = dot + 1;
    }
}

bool grammar_hostname(const char *s)
{
    return is_subdomain(s, strlen(s), LOWER DIGITS, LOWER DIGITS "-");
}

bool grammar_node_name(const char *s)
{
    return strlen(s) <= LABEL_MAX && is_word(s, strlen(s), LOWER DIGITS, LOWER DIGITS "-");
}

bool grammar_ipv4_parse(const char *s, uint32_t *address)
{
    struct in_addr in;
    if (inet_pton(AF_INET, s, &in) != 1)
        return false;
    *address = ntohl(in.s_addr);
    return true;
}

bool grammar_ipv4(const char *s)
{
    uint32_t address;
    return grammar_ipv4_parse(s, &address);
}

bool grammar_ip(const char *s)
{
    struct in6_addr in6;
    return grammar_ipv4(s) || inet_pton(AF_INET6, s, &in6) == 1;
}

bool grammar_address(const char *s)
{
    if (grammar_ip(s))
        return true;
    /* RFC 3696: no top-level domain is all digits, so "10.0.0.256" is a mistyped address. */
    const char *dot = strrchr(s, '.');
    const char *last = dot ? dot + 1 : s;
    return !all_in(last, strlen(last), DIGITS) &&
           is_subdomain(s, strlen(s), LOWER UPPER DIGITS, LOWER UPPER DIGITS "-");
}

bool grammar_user(const char *s)
{
    size_t len = strlen(s);
    return len > 0 && len <= USER_MAX && all_in(s, 1, LOWER "_") &&
           all_in(s, len, LOWER DIGITS "_-");
}

static bool is_label_name(const char *s)
{
    return strlen(s) <= LABEL_MAX &&
           is_word(s, strlen(s), LOWER UPPER DIGITS, LOWER UPPER DIGITS "-_.");
}

bool grammar_label_key(const char *s)
{
    const char *slash = strchr(s, '/');
    if (!slash)
        return is_label_name(s);
    return is_subdomain(s, (size_t) (slash - s), LOWER DIGITS, LOWER DIGITS "-") &&
           is_label_name(slash + 1);
}

bool grammar_label_value(const char *s)
{
    return !*s || is_label_name(s);
}

bool grammar_interface(const char *s)
{
    size_t len = strlen(s);
    if (len == 0 || len >= IFNAMSIZ || s[0] == '-' || strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
        return false;
    for (; *s; s++)
        if (*s <= ' ' || *s >= 0x7f || *s == '/' || *s == ':')
            return false;
    return true;
}

/* [a-z0-9]+ joined by ".", "_", "__" or dashes, as in the OCI distribution specification. */
static bool is_repository_part(const char *s, size_t len)
{
    if (!is_word(s, len, LOWER DIGITS, LOWER DIGITS "._-"))
        return false;
    for (size_t i = 1; i < len; i++) {
        bool after_separator = all_in(s + i - 1, 1, "._");
        if (!after_separator || all_in(s + i, 1, LOWER DIGITS))
            continue;
        bool double_underscore = s[i] == '_' && s[i - 1] == '_' && (i < 2 || s[i - 2] != '_');
        if (!double_underscore)
            return false;
    }
    return true;
}

/* "host.name", "localhost", either with ":port": a single word would be a path on docker.io. */
static bool is_registry(const char *s, size_t len)
{
    const char *colon = memchr(s, ':', len);
    size_t host = colon ? (size_t) (colon - s) : len;
    if (!is_subdomain(s, host, LOWER DIGITS, LOWER DIGITS "-"))
        return false;
    if (!colon)
        return memchr(s, '.', len) || (len == 9 && memcmp(s, "localhost", 9) == 0);
    size_t port = len - host - 1;
    return port >= 1 && port <= 5 && all_in(colon + 1, port, DIGITS);
}

bool grammar_mac(const char *s)
{
    if (strlen(s) != MAC_LEN)
        return false;
    for (size_t i = 0; i < MAC_LEN; i++)
        if (i % 3 == 2 ? s[i] != ':' : !strchr(DIGITS "abcdefABCDEF", s[i]))
            return false;
    return !(strtoul(s, NULL, 16) & MAC_GROUP) && strcmp(s, "00:00:00:00:00:00") != 0;
}

bool grammar_serial(const char *s)
{
    size_t len = strlen(s);
    return len > 0 && len <= SERIAL_MAX && strchr(LOWER UPPER DIGITS, s[0]) && s[len - 1] != ' ' &&
           all_in(s, len, LOWER UPPER DIGITS "-_.:+/ ");
}

bool grammar_fingerprint(const char *s)
{
    size_t prefix = strlen(FINGERPRINT);
    if (strncmp(s, FINGERPRINT, prefix) != 0)
        return false;
    s += prefix;
    return strlen(s) == FINGERPRINT_DIGITS &&
           all_in(s, FINGERPRINT_DIGITS, LOWER UPPER DIGITS "+/") &&
           all_in(s + FINGERPRINT_DIGITS - 1, 1, FINGERPRINT_LAST);
}

bool grammar_u16(const char *s, uint16_t *out)
{
    size_t len = strlen(s);
    if (len < 1 || len > 5 || !all_in(s, len, DIGITS) || s[0] == '0')
        return false;
    unsigned long number = strtoul(s, NULL, 10);
    if (number > UINT16_MAX)
        return false;
    *out = (uint16_t) number;
    return true;
}

bool grammar_image_ref(const char *s)
{
    const char *slash = strchr(s, '/');
    const char *tag = strrchr(s, ':');
    if (strlen(s) > IMAGE_REF_MAX || !slash || !tag || tag < slash ||
        !is_registry(s, (size_t) (slash - s)))
        return false;
    size_t tag_len = strlen(tag + 1);
    if (tag_len == 0 || tag_len > TAG_MAX || !all_in(tag + 1, 1, LOWER UPPER DIGITS "_") ||
        !all_in(tag + 1, tag_len, LOWER UPPER DIGITS "_.-"))
        return false;
    for (const char *part = slash + 1;;) {
        const char *end = memchr(part, '/', (size_t) (tag - part));
        if (!is_repository_part(part, (size_t) ((end ? end : tag) - part)))
            return false;
        if (!end)
            return true;
        part = end + 1;
    }
}

bool grammar_absolute_path(const char *s)
{
    if (s[0] != '/' || strlen(s) >= PATH_MAX)
        return false;
    for (const char *p = s; *p; p++) {
        if ((unsigned char) *p < 0x20 || *p == 0x7f)
            return false;
        if (strncmp(p, "/..", 3) == 0 && (p[3] == '/' || p[3] == '\0'))
            return false;
    }
    return true;
}

static uint32_t mask_of(unsigned prefix)
{
    return prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
}

bool grammar_cidr4(const char *s, uint32_t *network, unsigned *prefix)
{
    char address[INET_ADDRSTRLEN];
    const char *slash = strchr(s, '/');
    if (!slash || (size_t) (slash - s) >= sizeof(address))
        return false;
    memcpy(address, s, (size_t) (slash - s));
    address[slash - s] = '\0';

    const char *digits = slash + 1;
    size_t len = strlen(digits);
    if (len < 1 || len > 2 || !all_in(digits, len, DIGITS) || (len == 2 && digits[0] == '0'))
        return false;
    unsigned bits = (unsigned) (digits[0] - '0');
    if (len == 2)
        bits = bits * 10 + (unsigned) (digits[1] - '0');
    uint32_t net;
    if (bits > 32 || !grammar_ipv4_parse(address, &net) || (net & ~mask_of(bits)) != 0)
        return false;
    *network = net;
    *prefix = bits;
    return true;
}

bool cidr4_overlap(uint32_t net_a, unsigned prefix_a, uint32_t net_b, unsigned prefix_b)
{
    uint32_t mask = mask_of(prefix_a < prefix_b ? prefix_a : prefix_b);
    return (net_a & mask) == (net_b & mask);
}

void ipv4_format(uint32_t address, char out[16])
{
    snprintf(out, 16, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
             address & 255);
}
