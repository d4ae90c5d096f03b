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

int digest_cert_expiry(const char *pem, size_t len, int64_t *not_after, struct error *err)
{
    AUTO_X509 *certificate = parse_certificate(pem, len, err);
    if (!certificate)
        return -EINVAL;
    struct tm t = {0};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &t) != 1)
        return error_set(err, -EINVAL, "the certificate's expiry cannot be read");
    *not_after = timegm(&t);
    return 0;
}
