#include "images/key-file.h"

#include "lib/base64.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMENT "untrusted comment: "
#define PUBLIC_BYTES (2 + sizeof(struct public_key))
#define BASE64_MAX 256
#define REMEDY_KEYGEN "make a pair of keys: bigtop-bootstrap bundle keygen --out NAME"

/* A NAME.key after base64. All of it is bytes: there is no padding. */
struct sealed {
    unsigned char algorithm[2], kdf[2], checksum_algorithm[2], salt[32], operations[8], memory[8];
    struct {
        unsigned char id[KEY_ID_LEN], seed[ED25519_SEED_LEN], public_key[ED25519_PUBLIC_LEN];
        unsigned char checksum[32];
    } inner; /* encrypted when there is a password */
};
_Static_assert(sizeof(struct sealed) == 158, "as long as minisign's");
_Static_assert(sizeof(struct public_key) == KEY_ID_LEN + ED25519_PUBLIC_LEN, "bytes only");

static void sealed_wipe(struct sealed *s)
{
    explicit_bzero(s, sizeof(*s));
}

void secret_key_wipe(struct secret_key *key)
{
    explicit_bzero(key, sizeof(*key));
}

void key_id_text(const unsigned char id[KEY_ID_LEN], char out[KEY_ID_TEXT])
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < KEY_ID_LEN; i++) {
        out[2 * i] = digits[id[KEY_ID_LEN - 1 - i] >> 4];
        out[2 * i + 1] = digits[id[KEY_ID_LEN - 1 - i] & 15];
    }
    out[KEY_ID_TEXT - 1] = '\0';
}

/* Lines */

bool lines_split(const char *text, size_t len, struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *end = memchr(text, '\n', len);
        if (!end && i + 1 < count)
            return false;
        lines[i] = (struct line){text, end ? (size_t) (end - text) : len};
        size_t taken = lines[i].len + (end != NULL);
        text += taken;
        len -= taken;
    }
    return len == 0;
}

bool line_has_prefix(struct line line, const char *prefix)
{
    return line.len >= strlen(prefix) && memcmp(line.text, prefix, strlen(prefix)) == 0;
}

bool line_decode(struct line line, unsigned char *out, size_t len)
{
    CLEANUP(strbuf_release_secret) struct strbuf bytes;
    strbuf_init(&bytes, BASE64_MAX);
    if (base64_decode(&bytes, line.text, line.len) < 0 || bytes.len != len)
        return false;
    memcpy(out, bytes.data, len);
    return true;
}

static bool decode_key(const char *text, size_t len, unsigned char *out, size_t out_len)
{
    struct line lines[2];
    return lines_split(text, len, lines, 2) && line_has_prefix(lines[0], COMMENT) &&
           line_decode(lines[1], out, out_len);
}

static void format_key(const char *comment, const unsigned char *id, const void *bytes, size_t len,
                       struct strbuf *out)
{
    char text[KEY_ID_TEXT];
    key_id_text(id, text);
    strbuf_addf(out, COMMENT "%s %s\n", comment, text);
    base64_encode(out, bytes, len, true);
    strbuf_addc(out, '\n');
}

/* Public keys */

void public_key_format(const struct public_key *key, struct strbuf *out)
{
    unsigned char bytes[PUBLIC_BYTES] = {'E', 'd'};
    memcpy(bytes + 2, key, sizeof(*key));
    format_key("minisign public key", key->id, bytes, sizeof(bytes), out);
}

int public_key_parse(const char *text, size_t len, struct public_key *out, struct error *err)
{
    unsigned char bytes[PUBLIC_BYTES];
    CLEANUP(sealed_wipe) struct sealed secret;
    if (decode_key(text, len, (unsigned char *) &secret, sizeof(secret)))
        return error_set(err, -EBADMSG, "is a secret key: its NAME.pub is needed here");
    if (!decode_key(text, len, bytes, sizeof(bytes)) || memcmp(bytes, "Ed", 2) != 0)
        return error_set(err, -EBADMSG, "is not a public key of minisign's form");
    memcpy(out, bytes + 2, sizeof(*out));
    return 0;
}

void public_key_text(const struct public_key *key, char out[PUBLIC_KEY_TEXT])
{
    unsigned char bytes[PUBLIC_BYTES] = {'E', 'd'};
    STRBUF(text, PUBLIC_KEY_TEXT);
    memcpy(bytes + 2, key, sizeof(*key));
    base64_encode(&text, bytes, sizeof(bytes), true);
    snprintf(out, PUBLIC_KEY_TEXT, "%s", text.data);
}

bool public_key_from_text(const char *text, struct public_key *out)
{
    unsigned char bytes[PUBLIC_BYTES];
    const struct line line = {text, strlen(text)};
    if (!line_decode(line, bytes, sizeof(bytes)) || memcmp(bytes, "Ed", 2) != 0)
        return false;
    memcpy(out, bytes + 2, sizeof(*out));
    return true;
}

/* Secret keys */

void secret_key_generate(struct secret_key *out)
{
    random_bytes(out->public_key.id, sizeof(out->public_key.id));
    random_bytes(out->seed, sizeof(out->seed));
    ed25519_public(out->seed, out->public_key.key);
}

void secret_key_format(const struct secret_key *key, struct strbuf *out)
{
    CLEANUP(sealed_wipe)
    struct sealed s = {.algorithm = {'E', 'd'}, .checksum_algorithm = {'B', '2'}};
    memcpy(s.inner.id, key->public_key.id, sizeof(s.inner.id));
    memcpy(s.inner.seed, key->seed, sizeof(s.inner.seed));
    memcpy(s.inner.public_key, key->public_key.key, sizeof(s.inner.public_key));
    format_key("minisign secret key", key->public_key.id, &s, sizeof(s), out);
}

static uint64_t little_endian(const unsigned char bytes[8])
{
    uint64_t value = 0;
    for (size_t i = 8; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

/* libsodium's pickparams(), so that the same costs come out. */
static struct scrypt_cost scrypt_cost_of(uint64_t operations, uint64_t memory)
{
    struct scrypt_cost cost = {.n = 2, .r = 8, .p = 1};
    if (operations < 32768)
        operations = 32768;
    bool is_fast = operations < memory / 32;
    uint64_t max_n = is_fast ? operations / 32 : memory / 1024;
    while (cost.n <= max_n / 2)
        cost.n *= 2;
    if (!is_fast)
        cost.p = operations / 4 / cost.n / cost.r;
    return cost;
}

static int decrypt(struct sealed *s, password_source ask, void *userdata, struct error *err)
{
    CLEANUP(strbuf_release_secret) struct strbuf password;
    strbuf_init(&password, PASSWORD_MAX);
    if (!ask)
        return error_set(err, -ENOTTY, "has a password, and there is nobody to ask for it");
    int r = ask(userdata, &password, err);
    if (r < 0)
        return r;
    const struct scrypt_cost cost = scrypt_cost_of(little_endian(s->operations),
                                                   little_endian(s->memory));
    unsigned char stream[sizeof(s->inner)], *bytes = (unsigned char *) &s->inner;
    r = scrypt(password.data, password.len, s->salt, sizeof(s->salt), &cost, stream,
               sizeof(stream));
    for (size_t i = 0; r == 0 && i < sizeof(stream); i++)
        bytes[i] ^= stream[i];
    explicit_bzero(stream, sizeof(stream));
    return r < 0 ? error_errno(err, r, "make a key of its password") : 0;
}

static int open_sealed(struct sealed *s, password_source ask, void *userdata, struct error *err)
{
    unsigned char public_key[ED25519_PUBLIC_LEN];
    bool has_password = memcmp(s->kdf, "Sc", 2) == 0;
    if (memcmp(s->algorithm, "Ed", 2) != 0 || memcmp(s->checksum_algorithm, "B2", 2) != 0 ||
        (!has_password && memcmp(s->kdf, "\0\0", 2) != 0))
        return error_set(err, -EBADMSG, "is of a form that is not known here");
    int r = has_password ? decrypt(s, ask, userdata, err) : 0;
    if (r < 0)
        return r;
    ed25519_public(s->inner.seed, public_key);
    if (memcmp(public_key, s->inner.public_key, sizeof(public_key)) == 0)
        return 0;
    return has_password ? error_set(err, -EACCES, "wrong password")
                        : error_set(err, -EBADMSG,
                                    "is damaged: its two halves do not belong "
                                    "together");
}

int secret_key_parse(const char *text, size_t len, password_source ask, void *userdata,
                     struct secret_key *out, struct error *err)
{
    CLEANUP(sealed_wipe) struct sealed s;
    unsigned char public_key[PUBLIC_BYTES];
    if (decode_key(text, len, public_key, sizeof(public_key)))
        return error_set(err, -EBADMSG, "is a public key: its NAME.key is needed here");
    if (!decode_key(text, len, (unsigned char *) &s, sizeof(s)))
        return error_set(err, -EBADMSG, "is not a secret key of minisign's form");
    int r = open_sealed(&s, ask, userdata, err);
    if (r < 0)
        return r;
    memcpy(out->public_key.id, s.inner.id, sizeof(s.inner.id));
    memcpy(out->public_key.key, s.inner.public_key, sizeof(s.inner.public_key));
    memcpy(out->seed, s.inner.seed, sizeof(s.inner.seed));
    return 0;
}

int secret_key_load(const char *path, password_source ask, void *userdata, struct secret_key *out,
                    bool *exposed, struct error *err)
{
    CLEANUP(strbuf_release_secret) struct strbuf text;
    strbuf_init(&text, KEY_FILE_MAX);
    struct stat st;
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0) {
        error_errno(err, -errno, "open %s", path);
        return error_remedy(err, REMEDY_KEYGEN);
    }
    int r = fd_read_to_end(fd, &text);
    if (r < 0)
        return error_errno(err, r, "read %s", path);
    r = secret_key_parse(text.data, text.len, ask, userdata, out, err);
    if (r < 0) {
        (void) error_prefix(err, "%s", path);
        return r;
    }
    *exposed = (st.st_mode & 077) != 0;
    return 0;
}

int secret_key_save(const struct secret_key *key, const char *name, struct error *err)
{
    CLEANUP(strbuf_release_secret) struct strbuf secret;
    strbuf_init(&secret, KEY_FILE_MAX);
    STRBUF(public_text, KEY_FILE_MAX);
    secret_key_format(key, &secret);
    public_key_format(&key->public_key, &public_text);
    AUTO_FREE char *secret_path = xasprintf("%s.key", name);
    AUTO_FREE char *public_path = xasprintf("%s.pub", name);
    int r = file_write_new(secret_path, secret.data, secret.len, 0600, err);
    if (r < 0)
        return r;
    r = file_write_new(public_path, public_text.data, public_text.len, 0644, err);
    if (r < 0)
        (void) unlink(secret_path);
    return r;
}
