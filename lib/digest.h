/* Hashes, signatures and randomness, on OpenSSL (digest.c is the only user of its headers besides
 * tls.c). */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_HEX_LEN 64
#define DIGEST_LEN (7 + SHA256_HEX_LEN) /* "sha256:" + hex */
#define DIGEST_SIZE (DIGEST_LEN + 1)

struct sha256;
struct sha256 *sha256_new(void);
void sha256_update(struct sha256 *h, const void *data, size_t len);
/* Writes "sha256:…" and frees h. */
void sha256_finish(struct sha256 *h, char out[DIGEST_SIZE]);
void sha256_free(struct sha256 **h);
#define AUTO_SHA256 CLEANUP(sha256_free) struct sha256

void digest_buffer(const void *data, size_t len, char out[DIGEST_SIZE]);
/* Streams the file; size_out may be NULL. */
int digest_file(const char *path, char out[DIGEST_SIZE], uint64_t *size_out, struct error *err);
/* True for "sha256:" and 64 lowercase hex digits: the one form we accept anywhere. */
bool digest_is_valid(const char *text);

/* HMAC-SHA-1: only for the hashed host names of OpenSSH's known_hosts. */
#define HMAC_SHA1_LEN 20
void hmac_sha1(const void *key, size_t key_len, const void *data, size_t len,
               unsigned char out[HMAC_SHA1_LEN]);

/* BLAKE2b with 64 bytes of output and no key (RFC 7693): what minisign signs. */
#define BLAKE2B_LEN 64
void blake2b(const void *data, size_t len, unsigned char out[BLAKE2B_LEN]);

/* Ed25519 (RFC 8032, without prehash or context). The seed is the secret: 32 random bytes. */
#define ED25519_SEED_LEN 32
#define ED25519_PUBLIC_LEN 32
#define ED25519_SIGNATURE_LEN 64
void ed25519_public(const unsigned char seed[ED25519_SEED_LEN],
                    unsigned char out[ED25519_PUBLIC_LEN]);
void ed25519_sign(const unsigned char seed[ED25519_SEED_LEN], const void *data, size_t len,
                  unsigned char out[ED25519_SIGNATURE_LEN]);
bool ed25519_verify(const unsigned char public_key[ED25519_PUBLIC_LEN], const void *data,
                    size_t len, const unsigned char signature[ED25519_SIGNATURE_LEN]);

/* scrypt (RFC 7914): a key from a password. Needs 128 * n * r bytes of memory. -EINVAL on
 * parameters that scrypt does not have, -E2BIG when it would need more than SCRYPT_MEMORY_MAX,
 * -ENOMEM. */
#define SCRYPT_MEMORY_MAX (1088ULL << 20) /* minisign takes 1 GiB */
struct scrypt_cost {
    uint64_t n, r, p;
};
int scrypt(const void *password, size_t password_len, const void *salt, size_t salt_len,
           const struct scrypt_cost *cost, void *out, size_t len);

void random_bytes(void *out, size_t len); /* aborts if the system has none */
void random_hex(char *out, size_t hex_len); /* writes hex_len digits and a NUL */
#define UUID_SIZE 37
void random_uuid(char out[UUID_SIZE]); /* RFC 9562, version 4 */

/* "sha256:<hex>" of the SubjectPublicKeyInfo of the first certificate in a PEM text: kubeadm's
 * caCertHashes. */
int digest_cert_spki(const char *pem, size_t len, char out[DIGEST_SIZE], struct error *err);
