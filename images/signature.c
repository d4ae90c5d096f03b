#include "images/signature.h"

#include "lib/base64.h"

#include <errno.h>
#include <string.h>

#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "

/* The second line after base64. */
struct body {
    unsigned char algorithm[2], id[KEY_ID_LEN], signature[ED25519_SIGNATURE_LEN];
};
_Static_assert(sizeof(struct body) == 74, "bytes only");

struct parsed {
    struct body body;
    struct line comment; /* the trusted one */
    unsigned char over_comment[ED25519_SIGNATURE_LEN];
};

void signature_release(struct signature *s)
{
    free(s->comment);
    *s = (struct signature){0};
}

/* What G signs: S and the comment. */
static void add_commented(struct strbuf *out, const unsigned char signature[ED25519_SIGNATURE_LEN],
                          struct line comment)
{
    strbuf_add(out, signature, ED25519_SIGNATURE_LEN);
    strbuf_add(out, comment.text, comment.len);
}

int signature_make(const struct secret_key *key, const void *data, size_t len, const char *comment,
                   struct strbuf *out, struct error *err)
{
    const struct line line = {comment, strlen(comment)};
    if (line.len > SIGNATURE_COMMENT_MAX || memchr(line.text, '\n', line.len))
        return error_set(err, -EINVAL, "the trusted comment is not a line of at most %d bytes",
                         SIGNATURE_COMMENT_MAX);
    struct body body = {.algorithm = {'E', 'D'}};
    unsigned char hash[BLAKE2B_LEN], over_comment[ED25519_SIGNATURE_LEN];
    char id[KEY_ID_TEXT];
    memcpy(body.id, key->public_key.id, sizeof(body.id));
    blake2b(data, len, hash);
    ed25519_sign(key->seed, hash, sizeof(hash), body.signature);
    STRBUF(commented, SIGNATURE_MAX);
    add_commented(&commented, body.signature, line);
    ed25519_sign(key->seed, commented.data, commented.len, over_comment);
    key_id_text(body.id, id);
    strbuf_addf(out, UNTRUSTED "signature by bigtop-bootstrap, key %s\n", id);
    base64_encode(out, &body, sizeof(body), true);
    strbuf_addf(out, "\n" TRUSTED "%s\n", comment);
    base64_encode(out, over_comment, sizeof(over_comment), true);
    strbuf_addc(out, '\n');
    return strbuf_full(out) ? error_set(err, -E2BIG, "the signature is too long") : 0;
}

static int parse(const char *text, size_t len, struct parsed *out, struct error *err)
{
    struct line lines[4];
    bool is_ours = len <= SIGNATURE_MAX && lines_split(text, len, lines, 4) &&
                   line_has_prefix(lines[0], UNTRUSTED) && line_has_prefix(lines[2], TRUSTED) &&
                   line_decode(lines[1], (unsigned char *) &out->body, sizeof(out->body)) &&
                   line_decode(lines[3], out->over_comment, sizeof(out->over_comment));
    if (is_ours && memcmp(out->body.algorithm, "Ed", 2) == 0)
        return error_set(err, -EKEYREJECTED,
                         "is of minisign's older form, which is not accepted; "
                         "minisign without -l makes the other");
    if (!is_ours || memcmp(out->body.algorithm, "ED", 2) != 0)
        return error_set(err, -EKEYREJECTED, "is not a signature of minisign's form");
    out->comment = (struct line){lines[2].text + strlen(TRUSTED), lines[2].len - strlen(TRUSTED)};
    return 0;
}

int signature_claimed_key(const char *text, size_t text_len, char id[KEY_ID_TEXT],
                          struct error *err)
{
    struct parsed p = {.comment = {"", 0}};
    int r = parse(text, text_len, &p, err);
    if (r == 0)
        key_id_text(p.body.id, id);
    return r;
}

static int unknown_key(const char *id, const struct trusted_keys *trusted, struct error *err)
{
    STRBUF(list, ERROR_REMEDY_MAX);
    for (size_t i = 0; i < trusted->count; i++) {
        char known[KEY_ID_TEXT];
        key_id_text(trusted->keys[i].id, known);
        strbuf_addf(&list, "%s%s", i ? ", " : "", known);
    }
    error_set(err, -EKEYREJECTED, "is by key %s, which is not trusted", id);
    (void) error_remedy(err,
                        "trusted: %s; get the bundle from who has that key, or name the "
                        "public key of %s as well if you trust it",
                        list.len ? list.data : "none", id);
    return -EKEYREJECTED;
}

static int check_with(const struct public_key *key, const struct parsed *p,
                      const unsigned char hash[BLAKE2B_LEN], const char *id, struct error *err)
{
    STRBUF(commented, SIGNATURE_MAX);
    add_commented(&commented, p->body.signature, p->comment);
    if (!ed25519_verify(key->key, hash, BLAKE2B_LEN, p->body.signature))
        return error_set(err, -EKEYREJECTED,
                         "does not fit what it signs: one of the two was altered, or the key is "
                         "not the one that calls itself %s",
                         id);
    if (!ed25519_verify(key->key, commented.data, commented.len, p->over_comment))
        return error_set(err, -EKEYREJECTED, "does not fit its own trusted comment: altered");
    return 0;
}

static int check_parsed(const struct parsed *p, const void *data, size_t len,
                        const struct trusted_keys *trusted, const char *id,
                        const struct public_key **by, struct error *err)
{
    unsigned char hash[BLAKE2B_LEN];
    int r = -ENOKEY;
    blake2b(data, len, hash);
    /* Ids are chosen by who makes a key: two keys may have the same. */
    for (size_t i = 0; r != 0 && i < trusted->count; i++)
        if (memcmp(trusted->keys[i].id, p->body.id, sizeof(p->body.id)) == 0)
            r = check_with(*by = &trusted->keys[i], p, hash, id, err);
    return r == -ENOKEY ? unknown_key(id, trusted, err) : r;
}

static char *printable_comment(struct line comment)
{
    STRBUF(text, 4 * SIGNATURE_MAX);
    for (size_t from = 0, end; from <= comment.len; from = end + 1) {
        const char *tab = memchr(comment.text + from, '\t', comment.len - from);
        end = tab ? (size_t) (tab - comment.text) : comment.len;
        if (from > 0)
            strbuf_adds(&text, ", ");
        strbuf_add_printable(&text, comment.text + from, end - from);
    }
    return strbuf_steal(&text);
}

int signature_check(const char *text, size_t text_len, const void *data, size_t len,
                    const struct trusted_keys *trusted, struct signature *out, struct error *err)
{
    struct parsed p = {.comment = {"", 0}};
    const struct public_key *by = NULL;
    char id[KEY_ID_TEXT];
    int r = parse(text, text_len, &p, err);
    if (r < 0)
        return r;
    key_id_text(p.body.id, id);
    r = check_parsed(&p, data, len, trusted, id, &by, err);
    if (r < 0 || !out)
        return r;
    memcpy(out->key_id, id, sizeof(id));
    out->key = *by;
    out->comment = printable_comment(p.comment);
    return 0;
}
