/* TLS 1.3 between the agents of one run, on OpenSSL (tls.c). Both sides show a certificate of the
 * run's own authority, and only that authority is trusted: no names, no system store, and no dates
 * either (clocks of raw hosts may be wrong; the authority lives for one run and in memory only).
 * Besides: certificates for servers that others look at, and requests for those of other
 * authorities. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TLS_PEM_MAX (16 * 1024) /* bytes of a certificate or key as text */

/* An authority that issues certificates (the coordinator's). Keys are P-256. */
struct tls_authority;
/* `run` is its name, of the same form as a certificate's. -EINVAL. */
int tls_authority_new(const char *run, struct tls_authority **out, struct error *err);
void tls_authority_free(struct tls_authority **a);
#define AUTO_TLS_AUTHORITY CLEANUP(tls_authority_free) struct tls_authority
/* Its own certificate as PEM; borrowed. */
const char *tls_authority_pem(const struct tls_authority *a);
/* A new key and a certificate for it whose common name is `name` (1 to 64 bytes of [A-Za-z0-9._-];
 * -EINVAL). Appends PEM texts; key is secret. From any thread. */
int tls_authority_issue(struct tls_authority *a, const char *name, struct strbuf *cert,
                        struct strbuf *key, struct error *err);

/* The same authority at another time, of its two texts: -EINVAL when they are none or not of one
 * pair. The key is appended, and secret. */
int tls_authority_key(const struct tls_authority *a, struct strbuf *key, struct error *err);
int tls_authority_load(const char *pem, const char *key_pem, struct tls_authority **out,
                       struct error *err);
/* For a server that browsers and others look at: a new key, and a certificate for names of DNS
 * ("*." may begin one; -EINVAL for what is none), valid for that many days. Appends PEM texts. -EIO
 * also when the authority's own name is "server". */
int tls_authority_issue_server(struct tls_authority *a, const struct strv *names, int days,
                               struct strbuf *cert, struct strbuf *key, struct error *err);
/* Whether a certificate is this authority's, for all of these names, for that many days yet. */
bool tls_authority_vouches(const struct tls_authority *a, const char *cert,
                           const struct strv *names, int days);

/* A request (PKCS #10) that another authority shall make a certificate of, such as a cluster's: for
 * a new key, with a common name and an organisation (each 1 to 64 bytes of [A-Za-z0-9._:@-]:
 * else -EINVAL). Appends PEM texts; key is secret. */
int tls_request_make(const char *name, const char *organisation, struct strbuf *request,
                     struct strbuf *key, struct error *err);

/* What one agent is and trusts. */
struct tls_identity;
/* Texts of at most TLS_PEM_MAX; -EINVAL when one is none or the key is not the certificate's. */
int tls_identity_new(const char *ca_pem, const char *cert_pem, const char *key_pem,
                     struct tls_identity **out, struct error *err);
void tls_identity_free(struct tls_identity **i);
#define AUTO_TLS_IDENTITY CLEANUP(tls_identity_free) struct tls_identity

/* One connection over a non-blocking socket, which it takes over, and closes if it fails. The
 * identity must outlive it, and the process must ignore SIGPIPE. */
struct tls;
int tls_new(const struct tls_identity *identity, int fd, bool server, struct tls **out,
            struct error *err);
void tls_free(struct tls **t); /* says goodbye when it can without waiting, closes the socket */
#define AUTO_TLS CLEANUP(tls_free) struct tls
/* 1 when the handshake is over, -EAGAIN: poll tls_events() and call again. -EKEYREJECTED: the peer
 * showed no certificate of this authority. -EPIPE, -EPROTO. A client's is over before the server
 * has judged its certificate: a refusal comes to it as -EPROTO of the first read. */
int tls_handshake(struct tls *t, struct error *err);
/* Common name of the peer's certificate, after the handshake; borrowed. */
const char *tls_peer(const struct tls *t);
/* Bytes done (some of them, maybe), 0 when the peer said goodbye (read), -EAGAIN, -EPIPE: cut off,
 * -EPROTO. After -EAGAIN write again with the same bytes or more of them. */
ssize_t tls_read(struct tls *t, void *buffer, size_t len, struct error *err);
ssize_t tls_write(struct tls *t, const void *data, size_t len, struct error *err);
short tls_events(const struct tls *t); /* POLLIN, POLLOUT: what the last -EAGAIN waits for */
int tls_fd(const struct tls *t);
/* Read on: bytes may be there that the socket does not show any more. False after a read that was
 * -EAGAIN. */
bool tls_pending(const struct tls *t);
