#include "lib/digest.h"

#include "lib/fd.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define SHA256_BYTES 32
#define READ_CHUNK (128 * 1024)

struct sha256 {
    EVP_MD_CTX *ctx;
};

/* A hash that can't be computed must never look like one that was. */
static void must(int ok)
{
    if (ok != 1)
        abort();
}

static void to_hex(const unsigned char *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * count] = '\0';
}

struct sha256 *sha256_new(void)
{
    struct sha256 *h = xcalloc(1, sizeof(*h));
    h->ctx = EVP_MD_CTX_new();
    must(h->ctx != NULL);
    must(EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL));
    return h;
}

void sha256_update(struct sha256 *h, const void *data, size_t len)
{
    must(EVP_DigestUpdate(h->ctx, data, len));
}

void sha256_finish(struct sha256 *h, char out[DIGEST_SIZE])
{
    unsigned char bytes[SHA256_BYTES];
    must(EVP_DigestFinal_ex(h->ctx, bytes, NULL));
    memcpy(out, "sha256:", 7);
    to_hex(bytes, sizeof(bytes), out + 7);
    sha256_free(&h);
}

void sha256_free(struct sha256 **h)
{
    if (*h) {
        EVP_MD_CTX_free((*h)->ctx);
        free(*h);
    }
    *h = NULL;
}

void digest_buffer(const void *data, size_t len, char out[DIGEST_SIZE])
{
    struct sha256 *h = sha256_new();
    sha256_update(h, data, len);
    sha256_finish(h, out);
}

int digest_file(const char *path, char out[DIGEST_SIZE], uint64_t *size_out, struct error *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return error_errno(err, -errno, "open %s", path);
    AUTO_SHA256 *h = sha256_new();
    AUTO_FREE unsigned char *chunk = xcalloc(READ_CHUNK, 1);
    uint64_t size = 0;
    for (;;) {
        ssize_t n = read(fd, chunk, READ_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, -errno, "read %s", path);
        if (n == 0)
            break;
        sha256_update(h, chunk, (size_t) n);
        size += (uint64_t) n;
    }
    sha256_finish(TAKE_PTR(h), out);
    if (size_out)
        *size_out = size;
    return 0;
}

bool digest_is_valid(const char *text)
{
    return strncmp(text, "sha256:", 7) == 0 && strlen(text) == DIGEST_LEN &&
           strspn(text + 7, "0123456789abcdef") == SHA256_HEX_LEN;
}

void hmac_sha1(const void *key, size_t key_len, const void *data, size_t len,
               unsigned char out[HMAC_SHA1_LEN])
{
    must(key_len <= INT_MAX && HMAC(EVP_sha1(), key, (int) key_len, data, len, out, NULL) != NULL);
}

void blake2b(const void *data, size_t len, unsigned char out[BLAKE2B_LEN])
{
    must(EVP_Digest(data, len, out, NULL, EVP_blake2b512(), NULL));
}

struct ed25519 {
    EVP_PKEY *key;
    EVP_MD_CTX *ctx;
};

static void ed25519_release(struct ed25519 *e)
{
    EVP_MD_CTX_free(e->ctx);
    EVP_PKEY_free(e->key);
}

static EVP_PKEY *private_key(const unsigned char seed[ED25519_SEED_LEN])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_LEN);
    must(key != NULL);
    return key;
}

void ed25519_public(const unsigned char seed[ED25519_SEED_LEN],
                    unsigned char out[ED25519_PUBLIC_LEN])
{
    CLEANUP(ed25519_release) struct ed25519 e = {.key = private_key(seed)};
    size_t len = ED25519_PUBLIC_LEN;
    must(EVP_PKEY_get_raw_public_key(e.key, out, &len));
}

void ed25519_sign(const unsigned char seed[ED25519_SEED_LEN], const void *data, size_t len,
                  unsigned char out[ED25519_SIGNATURE_LEN])
{
    CLEANUP(ed25519_release)
    struct ed25519 e = {.key = private_key(seed), .ctx = EVP_MD_CTX_new()};
    size_t out_len = ED25519_SIGNATURE_LEN;
    must(e.ctx != NULL);
    must(EVP_DigestSignInit(e.ctx, NULL, NULL, NULL, e.key));
    must(EVP_DigestSign(e.ctx, out, &out_len, data, len));
}

bool ed25519_verify(const unsigned char public_key[ED25519_PUBLIC_LEN], const void *data,
                    size_t len, const unsigned char signature[ED25519_SIGNATURE_LEN])
{
    CLEANUP(ed25519_release)
    struct ed25519 e = {
        .key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, ED25519_PUBLIC_LEN),
        .ctx = EVP_MD_CTX_new()};
    must(e.key != NULL && e.ctx != NULL);
    must(EVP_DigestVerifyInit(e.ctx, NULL, NULL, NULL, e.key));
    return EVP_DigestVerify(e.ctx, signature, ED25519_SIGNATURE_LEN, data, len) == 1;
}

int scrypt(const void *password, size_t password_len, const void *salt, size_t salt_len,
           const struct scrypt_cost *cost, void *out, size_t len)
{
    const uint64_t blocks = SCRYPT_MEMORY_MAX / 128;
    if (cost->n < 2 || (cost->n & (cost->n - 1)) != 0 || cost->r < 1 || cost->p < 1)
        return -EINVAL;
    if (cost->n > blocks || cost->r > blocks / cost->n || cost->p > blocks / cost->n / cost->r)
        return -E2BIG;
    /* OpenSSL's own limit is for all of it, the rest being small. */
    if (EVP_PBE_scrypt(password, password_len, salt, salt_len, cost->n, cost->r, cost->p,
                       2 * SCRYPT_MEMORY_MAX, out, len) != 1)
        return -ENOMEM;
    return 0;
}

void random_bytes(void *out, size_t len)
{
    unsigned char *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            abort();
        p += n;
        len -= (size_t) n;
    }
}

void random_hex(char *out, size_t hex_len)
{
    unsigned char bytes[32];
    char hex[2 * sizeof(bytes) + 1];
    size_t done = 0;
    while (done < hex_len) {
        random_bytes(bytes, sizeof(bytes));
        to_hex(bytes, sizeof(bytes), hex);
        size_t n = hex_len - done < sizeof(hex) - 1 ? hex_len - done : sizeof(hex) - 1;
        memcpy(out + done, hex, n);
        done += n;
    }
    out[hex_len] = '\0';
    explicit_bzero(bytes, sizeof(bytes));
    explicit_bzero(hex, sizeof(hex));
}

void random_uuid(char out[UUID_SIZE])
{
    char hex[33];
    random_hex(hex, 32);
    hex[12] = '4';
    hex[16] = 'a'; /* one of the four that the variant may be */
    (void) snprintf(out, UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                    hex + 20);
}

static void certificate_free(X509 **certificate)
{
    X509_free(*certificate);
}
#define AUTO_X509 CLEANUP(certificate_free) X509

static X509 *parse_certificate(const char *pem, size_t len, struct error *err)
{
    BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int) len) : NULL;
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    if (!certificate)
        error_set(err, -EINVAL, "no certificate in PEM form found");
    return certificate;
}

int digest_cert_spki(const char *pem, size_t len, char out[DIGEST_SIZE], struct error *err)
{
    AUTO_X509 *certificate = parse_certificate(pem, len, err);
    if (!certificate)
        return -EINVAL;
    unsigned char *der = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (size <= 0)
        return error_set(err, -EINVAL, "the certificate's public key cannot be read");
    digest_buffer(der, (size_t) size, out);
    OPENSSL_free(der);
    return 0;
}
