#include "coordinator/known-hosts.h"

#include "lib/base64.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/path.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BLOB_MAX 16384 /* an RSA key of 16384 bits has 2 KiB */
#define PATTERN_MAX 1024

enum marker { MARKER_NONE, MARKER_REVOKED, MARKER_AUTHORITY };

struct entry {
    const char *file;
    unsigned line;
    enum marker marker;
    char *names; /* into the line */
    char *key;   /* into the line: base64 */
    char type[HOST_KEY_TYPE_MAX];
};

/* Returns non-zero to stop. */
typedef int (*entry_fn)(void *userdata, const struct entry *entry);

char *known_hosts_name(const char *address, uint16_t port)
{
    return port == 22 ? xstrdup(address) : xasprintf("[%s]:%u", address, port);
}

/* The type is the blob's own first string: the word in front of it in a file is not believed. */
static bool blob_type(const struct strbuf *blob, char type[HOST_KEY_TYPE_MAX])
{
    const unsigned char *p = (const unsigned char *) blob->data;

    if (blob->len < 4)
        return false;
    size_t len = (size_t) p[0] << 24 | (size_t) p[1] << 16 | (size_t) p[2] << 8 | p[3];
    if (len == 0 || len >= HOST_KEY_TYPE_MAX || len > blob->len - 4)
        return false;
    for (size_t i = 0; i < len; i++)
        if (p[4 + i] <= ' ' || p[4 + i] > '~' || p[4 + i] == ',')
            return false;
    memcpy(type, p + 4, len);
    type[len] = '\0';
    return true;
}

static unsigned char hex_digit(char c)
{
    return (unsigned char) (c <= '9' ? c - '0' : c - 'a' + 10);
}

bool host_key_describe(const char *key_base64, char type[HOST_KEY_TYPE_MAX],
                       char fingerprint[HOST_KEY_FINGERPRINT_SIZE])
{
    STRBUF(blob, KEY_BLOB_MAX);
    STRBUF(text, HOST_KEY_FINGERPRINT_SIZE);
    char digest[DIGEST_SIZE];
    unsigned char hash[SHA256_HEX_LEN / 2];

    if (base64_decode(&blob, key_base64, strlen(key_base64)) < 0 || !blob_type(&blob, type))
        return false;
    digest_buffer(blob.data, blob.len, digest);
    for (size_t i = 0; i < sizeof(hash); i++)
        hash[i] = (unsigned char) (hex_digit(digest[7 + 2 * i]) << 4 |
                                   hex_digit(digest[8 + 2 * i]));
    strbuf_adds(&text, "SHA256:");
    base64_encode(&text, hash, sizeof(hash), false);
    memcpy(fingerprint, text.data, text.len + 1);
    return true;
}

bool host_key_matches_pin(const char *pin, const char *key_base64)
{
    char type[HOST_KEY_TYPE_MAX], fingerprint[HOST_KEY_FINGERPRINT_SIZE];
    size_t key_len = strlen(key_base64);

    if (!host_key_describe(key_base64, type, fingerprint))
        return false;
    if (grammar_fingerprint(pin))
        return strcmp(pin, fingerprint) == 0;
    const char *blob = pin + strcspn(pin, " \t");
    blob += strspn(blob, " \t");
    return strncmp(blob, key_base64, key_len) == 0 && strchr(" \t\r\n", blob[key_len]);
}

/* "|1|base64 salt|base64 HMAC-SHA1(salt, name)" */
static bool hashed_name_matches(const char *hashed, const char *name)
{
    STRBUF(salt, 64);
    STRBUF(want, 64);
    unsigned char got[HMAC_SHA1_LEN];
    const char *middle = strchr(hashed + 3, '|');

    if (!middle || base64_decode(&salt, hashed + 3, (size_t) (middle - hashed - 3)) < 0 ||
        base64_decode(&want, middle + 1, strlen(middle + 1)) < 0 || want.len != sizeof(got))
        return false;
    hmac_sha1(salt.data, salt.len, name, strlen(name), got);
    return memcmp(got, want.data, sizeof(got)) == 0;
}

/* ssh knows * and ? only: what else fnmatch would understand is taken literally. */
static bool pattern_matches(const char *pattern, const char *name)
{
    STRBUF(escaped, 2UL * PATTERN_MAX);

    for (const char *p = pattern; *p; p++) {
        if (*p == '[' || *p == ']' || *p == '\\')
            strbuf_addc(&escaped, '\\');
        strbuf_addc(&escaped, *p);
    }
    return !strbuf_full(&escaped) && fnmatch(escaped.data, name, FNM_CASEFOLD) == 0;
}

/* A negated pattern that matches makes the whole line not match. */
static bool names_match(const char *names, const char *name)
{
    bool found = false;

    if (strncmp(names, "|1|", 3) == 0)
        return hashed_name_matches(names, name);
    for (const char *p = names; *p;) {
        size_t len = strcspn(p, ",");
        bool negated = *p == '!';
        AUTO_FREE char *pattern = xstrndup(p + negated, len - negated);
        if (pattern_matches(pattern, name)) {
            if (negated)
                return false;
            found = true;
        }
        p += len + (p[len] == ',');
    }
    return found;
}

static char *next_field(char **line)
{
    char *field = *line + strspn(*line, " \t");
    char *end = field + strcspn(field, " \t");

    *line = *end ? end + 1 : end;
    *end = '\0';
    return field;
}

/* False for comments, empty lines and lines that make no sense. */
static bool parse_line(char *line, struct entry *e)
{
    STRBUF(blob, KEY_BLOB_MAX);
    char *field = next_field(&line);

    e->marker = MARKER_NONE;
    if (*field == '@') {
        if (strcmp(field, "@revoked") == 0)
            e->marker = MARKER_REVOKED;
        else if (strcmp(field, "@cert-authority") == 0)
            e->marker = MARKER_AUTHORITY;
        else
            return false;
        field = next_field(&line);
    }
    if (!*field || *field == '#')
        return false;
    e->names = field;
    next_field(&line);
    e->key = next_field(&line);
    return base64_decode(&blob, e->key, strlen(e->key)) == 0 && blob_type(&blob, e->type);
}

static int scan_text(char *text, const char *file, const char *name, entry_fn fn, void *userdata)
{
    unsigned number = 0;

    for (char *line = text, *next; line; line = next) {
        struct entry e = {.file = file, .line = ++number};
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        if (!parse_line(line, &e) || !names_match(e.names, name))
            continue;
        int r = fn(userdata, &e);
        if (r)
            return r;
    }
    return 0;
}

static int scan(const char *const *files, const char *name, entry_fn fn, void *userdata,
                struct error *err)
{
    AUTO_FREE char *lower = xstrdup(name); /* as ssh hashes it */

    for (char *p = lower; *p; p++)
        *p = (char) tolower((unsigned char) *p);
    for (; *files; files++) {
        STRBUF(text, KNOWN_HOSTS_SIZE_MAX);
        if (access(*files, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
            continue;
        int r = file_read(*files, &text, err);
        if (r < 0)
            return r;
        if (scan_text(text.data, *files, lower, fn, userdata))
            break;
    }
    return 0;
}

struct check {
    const char *key;
    char type[HOST_KEY_TYPE_MAX];
    struct known_hosts_result *result;
};

static void decide(struct known_hosts_result *r, enum known_hosts_verdict verdict,
                   const struct entry *e)
{
    r->verdict = verdict;
    r->line = e->line;
    snprintf(r->file, sizeof(r->file), "%s", e->file);
    host_key_describe(e->key, r->type, r->fingerprint);
}

/* A revoked key is revoked whatever other lines say; a match outweighs other keys of the host, and
 * the first line of a kind is the one that is shown. */
static int check_entry(void *userdata, const struct entry *e)
{
    struct check *c = userdata;
    struct known_hosts_result *r = c->result;
    bool same = strcmp(e->key, c->key) == 0;

    if (e->marker == MARKER_AUTHORITY) {
        r->authority = true;
    } else if (e->marker == MARKER_REVOKED) {
        if (!same)
            return 0;
        decide(r, KNOWN_HOST_REVOKED, e);
        return 1;
    } else if (same) {
        if (r->verdict != KNOWN_HOST_MATCH)
            decide(r, KNOWN_HOST_MATCH, e);
    } else if (strcmp(e->type, c->type) == 0) {
        if (r->verdict == KNOWN_HOST_UNKNOWN || r->verdict == KNOWN_HOST_OTHER_TYPE)
            decide(r, KNOWN_HOST_CHANGED, e);
    } else if (r->verdict == KNOWN_HOST_UNKNOWN) {
        decide(r, KNOWN_HOST_OTHER_TYPE, e);
    }
    return 0;
}

int known_hosts_check(const char *const *files, const char *address, uint16_t port,
                      const char *key_base64, struct known_hosts_result *result, struct error *err)
{
    struct known_hosts_result found = {.verdict = KNOWN_HOST_UNKNOWN}, plain = found;
    struct check check = {.key = key_base64, .result = &found};
    char fingerprint[HOST_KEY_FINGERPRINT_SIZE];
    AUTO_FREE char *name = known_hosts_name(address, port);

    if (!host_key_describe(key_base64, check.type, fingerprint))
        return error_set(err, -EINVAL, "the host key is malformed");
    int r = scan(files, name, check_entry, &check, err);
    if (r < 0)
        return r;
    if (found.verdict == KNOWN_HOST_UNKNOWN && port != 22) {
        check.result = &plain;
        r = scan(files, address, check_entry, &check, err);
        if (r < 0)
            return r;
        if (plain.verdict == KNOWN_HOST_MATCH || plain.verdict == KNOWN_HOST_REVOKED)
            found = plain;
    }
    *result = found;
    return 0;
}

static int collect_type(void *userdata, const struct entry *e)
{
    struct strv *types = userdata;

    if (e->marker == MARKER_NONE && !strv_contains(types, e->type))
        strv_add(types, e->type);
    return 0;
}

int known_hosts_types(const char *const *files, const char *address, uint16_t port,
                      struct strv *types, struct error *err)
{
    AUTO_FREE char *name = known_hosts_name(address, port);
    int r = scan(files, name, collect_type, types, err);

    if (r == 0 && port != 22 && types->count == 0)
        r = scan(files, address, collect_type, types, err);
    return r;
}

/* A last line without a newline would swallow ours. */
static bool ends_inside_line(int fd)
{
    char last;
    off_t size = lseek(fd, 0, SEEK_END);

    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

int known_hosts_add(const char *path, const char *address, uint16_t port, const char *key_base64,
                    struct error *err)
{
    char type[HOST_KEY_TYPE_MAX], fingerprint[HOST_KEY_FINGERPRINT_SIZE];
    AUTO_FREE char *dir = path_dirname(path);
    AUTO_FREE char *name = known_hosts_name(address, port);

    if (!host_key_describe(key_base64, type, fingerprint))
        return error_set(err, -EINVAL, "the host key is malformed");
    int r = path_mkdir_p(dir, 0700, err);
    if (r < 0)
        return r;
    AUTO_FD fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || flock(fd, LOCK_EX) < 0)
        return error_errno(err, -errno, "open %s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, -EINVAL, "%s is not a regular file", path);
    AUTO_FREE char *line = xasprintf("%s%s %s %s\n", ends_inside_line(fd) ? "\n" : "", name, type,
                                     key_base64);
    ssize_t n = write(fd, line, strlen(line));
    if (n != (ssize_t) strlen(line) || fsync(fd) < 0)
        return error_errno(err, n < 0 ? -errno : -EIO, "write %s", path);
    return 0;
}
