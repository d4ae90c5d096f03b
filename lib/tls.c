#include "lib/tls.h"

#include "lib/fd.h"
#include "lib/grammar.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAME_MAX_LEN 64
#define SERIAL_BYTES 16
#define READ_AHEAD (256 * 1024) /* bytes that one system call may bring: some records */
/* Of every certificate. Nobody looks at them, but the format wants them. */
#define NOT_BEFORE "19700101000000Z"
#define NOT_AFTER "99991231235959Z"

struct tls_authority {
    EVP_PKEY *key;
    X509 *certificate;
    char *pem;
};

struct tls_identity {
    SSL_CTX *context;
};

struct tls {
    SSL *ssl;
    int fd;
    short events; /* what the last -EAGAIN waits for */
    bool established, failed;
    bool drained; /* the last read found nothing more */
    char peer[NAME_MAX_LEN + 1];
};

static void key_free(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}
#define AUTO_KEY CLEANUP(key_free) EVP_PKEY

static void certificate_free(X509 **certificate)
{
    X509_free(*certificate);
}
#define AUTO_X509 CLEANUP(certificate_free) X509

/* A memory BIO may hold a key. */
static void bio_free(BIO **bio)
{
    char *data = NULL;
    long len = *bio ? BIO_get_mem_data(*bio, &data) : 0;
    if (len > 0)
        OPENSSL_cleanse(data, (size_t) len);
    BIO_free(*bio);
}
#define AUTO_BIO CLEANUP(bio_free) BIO

/* Takes the last reason of OpenSSL, which is the outermost, and empties its queue, which is the
 * thread's. */
static int fail(struct error *err, int code, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return error_set(err, code, "%s: %s", what, reason ? reason : "no reason given");
}

/* Whatever a host's openssl.cnf says, it is not meant for us. */
static void start_openssl(void)
{
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static bool is_text(const char *text, const char *allowed)
{
    size_t len = strlen(text);
    return len > 0 && len <= NAME_MAX_LEN && strspn(text, allowed) == len;
}

static bool is_name(const char *name)
{
    return is_text(name, NAME_CHARACTERS);
}

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    bytes[0] &= 0x7f;
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return ok;
}

static bool set_part(X509_NAME *of, int nid, const char *text)
{
    return X509_NAME_add_entry_by_NID(of, nid, MBSTRING_UTF8, (const unsigned char *) text, -1, -1,
                                      0) == 1;
}

static bool set_name(X509_NAME *of, const char *name)
{
    return set_part(of, NID_commonName, name);
}

static bool add_extension_by(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&context);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    return add_extension_by(certificate, NULL, nid, value);
}

/* What all certificates have in common. */
static X509 *draft(const char *name, EVP_PKEY *key)
{
    AUTO_X509 *c = X509_new();
    if (!c || X509_set_version(c, X509_VERSION_3) != 1 || !set_serial(c) ||
        ASN1_TIME_set_string_X509(X509_getm_notBefore(c), NOT_BEFORE) != 1 ||
        ASN1_TIME_set_string_X509(X509_getm_notAfter(c), NOT_AFTER) != 1 ||
        !set_name(X509_get_subject_name(c), name) || X509_set_pubkey(c, key) != 1)
        return NULL;
    return TAKE_PTR(c);
}

static int add_pem(BIO *bio, struct strbuf *out, struct error *err)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    int r = len > 0 ? strbuf_add(out, data, (size_t) len) : -EIO;
    return r < 0 ? error_errno(err, r, "write a certificate as text") : 0;
}

static int certificate_to_pem(X509 *certificate, struct strbuf *out, struct error *err)
{
    AUTO_BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_X509(bio, certificate) != 1)
        return fail(err, -EIO, "write a certificate as text");
    return add_pem(bio, out, err);
}

static int key_to_pem(EVP_PKEY *key, struct strbuf *out, struct error *err)
{
    AUTO_BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return fail(err, -EIO, "write a key as text");
    return add_pem(bio, out, err);
}

static X509 *make_authority(const char *run, EVP_PKEY *key)
{
    AUTO_X509 *c = draft(run, key);
    if (!c || !set_name(X509_get_issuer_name(c), run) ||
        !add_extension(c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
        !add_extension(c, NID_key_usage, "critical,keyCertSign") ||
        !add_extension(c, NID_subject_key_identifier, "hash") ||
        X509_sign(c, key, EVP_sha256()) <= 0)
        return NULL;
    return TAKE_PTR(c);
}

int tls_authority_new(const char *run, struct tls_authority **out, struct error *err)
{
    start_openssl();
    if (!is_name(run))
        return error_set(err, -EINVAL, "not a name for a certificate authority");
    AUTO_TLS_AUTHORITY *a = xcalloc(1, sizeof(*a));
    a->key = EVP_EC_gen("P-256");
    a->certificate = a->key ? make_authority(run, a->key) : NULL;
    if (!a->certificate)
        return fail(err, -EIO, "make a certificate authority");
    STRBUF(pem, TLS_PEM_MAX);
    int r = certificate_to_pem(a->certificate, &pem, err);
    if (r < 0)
        return r;
    a->pem = strbuf_steal(&pem);
    *out = TAKE_PTR(a);
    return 0;
}

void tls_authority_free(struct tls_authority **a)
{
    if (*a) {
        EVP_PKEY_free((*a)->key);
        X509_free((*a)->certificate);
        free((*a)->pem);
        free(*a);
    }
    *a = NULL;
}

const char *tls_authority_pem(const struct tls_authority *a)
{
    return a->pem;
}

static X509 *make_certificate(const struct tls_authority *a, const char *name, EVP_PKEY *key)
{
    AUTO_X509 *c = draft(name, key);
    if (!c || X509_set_issuer_name(c, X509_get_subject_name(a->certificate)) != 1 ||
        !add_extension(c, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(c, NID_key_usage, "critical,digitalSignature") ||
        !add_extension(c, NID_ext_key_usage, "serverAuth,clientAuth") ||
        X509_sign(c, a->key, EVP_sha256()) <= 0)
        return NULL;
    return TAKE_PTR(c);
}

int tls_authority_issue(struct tls_authority *a, const char *name, struct strbuf *cert,
                        struct strbuf *key, struct error *err)
{
    if (!is_name(name))
        return error_set(err, -EINVAL, "not a name for a certificate");
    AUTO_KEY *own = EVP_EC_gen("P-256");
    AUTO_X509 *certificate = own ? make_certificate(a, name, own) : NULL;
    if (!certificate)
        return fail(err, -EIO, "make a certificate");
    int r = certificate_to_pem(certificate, cert, err);
    return r < 0 ? r : key_to_pem(own, key, err);
}

static BIO *open_pem(const char *pem)
{
    size_t len = strlen(pem);
    return len <= TLS_PEM_MAX ? BIO_new_mem_buf(pem, (int) len) : NULL;
}

static X509 *read_certificate(const char *pem)
{
    BIO *bio = open_pem(pem);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return certificate;
}

static EVP_PKEY *read_key(const char *pem)
{
    BIO *bio = open_pem(pem);
    /* An empty password: never ask for one on a terminal. */
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *) "") : NULL;
    BIO_free(bio);
    return key;
}

/* Servers that others connect to, who look at names and dates */

#define DAY 86400L
#define SERVER_NAME "server" /* nobody looks at it: what counts are the names of DNS */
#define CLOCKS_DIFFER (DAY)  /* a certificate is good already where a clock is late by this */

int tls_authority_key(const struct tls_authority *a, struct strbuf *key, struct error *err)
{
    return key_to_pem(a->key, key, err);
}

int tls_authority_load(const char *pem, const char *key_pem, struct tls_authority **out,
                       struct error *err)
{
    start_openssl();
    AUTO_TLS_AUTHORITY *a = xcalloc(1, sizeof(*a));
    a->certificate = read_certificate(pem);
    a->key = read_key(key_pem);
    if (!a->certificate || !a->key || X509_check_private_key(a->certificate, a->key) != 1)
        return fail(err, -EINVAL, "read a certificate authority and its key");
    a->pem = xstrdup(pem);
    *out = TAKE_PTR(a);
    return 0;
}

/* One whose subject is its issuer's is taken for a certificate that signed itself. */
static bool seems_own(const X509 *certificate)
{
    return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) ==
           0;
}

static bool is_server_name(const char *name)
{
    return grammar_hostname(strncmp(name, "*.", 2) == 0 ? name + 2 : name);
}

static X509 *make_server(const struct tls_authority *a, const char *list, int days, EVP_PKEY *key)
{
    AUTO_X509 *c = draft(SERVER_NAME, key);
    time_t now = time(NULL);
    if (!c || X509_set_issuer_name(c, X509_get_subject_name(a->certificate)) != 1 ||
        !ASN1_TIME_adj(X509_getm_notBefore(c), now, 0, -CLOCKS_DIFFER) ||
        !ASN1_TIME_adj(X509_getm_notAfter(c), now, days, 0) ||
        !add_extension(c, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(c, NID_key_usage, "critical,digitalSignature") ||
        !add_extension(c, NID_ext_key_usage, "serverAuth") ||
        !add_extension(c, NID_subject_alt_name, list) ||
        !add_extension_by(c, a->certificate, NID_authority_key_identifier, "keyid:always") ||
        seems_own(c) || X509_sign(c, a->key, EVP_sha256()) <= 0)
        return NULL;
    return TAKE_PTR(c);
}

int tls_authority_issue_server(struct tls_authority *a, const struct strv *names, int days,
                               struct strbuf *cert, struct strbuf *key, struct error *err)
{
    STRV(list);
    for (size_t i = 0; i < names->count; i++) {
        if (!is_server_name(names->items[i]))
            return error_set(err, -EINVAL, "%s is no name of a server", names->items[i]);
        strv_addf(&list, "DNS:%s", names->items[i]);
    }
    if (list.count == 0)
        return error_set(err, -EINVAL, "no names for a certificate");
    AUTO_FREE char *text = strv_join(&list, ",");
    AUTO_KEY *own = EVP_EC_gen("P-256");
    AUTO_X509 *certificate = own ? make_server(a, text, days, own) : NULL;
    if (!certificate)
        return fail(err, -EIO, "make a server's certificate");
    int r = certificate_to_pem(certificate, cert, err);
    return r < 0 ? r : key_to_pem(own, key, err);
}

bool tls_authority_vouches(const struct tls_authority *a, const char *cert,
                           const struct strv *names, int days)
{
    start_openssl();
    AUTO_X509 *c = read_certificate(cert);
    time_t then = time(NULL) + days * DAY;
    bool good = c && !seems_own(c) && X509_verify(c, a->key) == 1 &&
                X509_cmp_time(X509_get0_notAfter(c), &then) > 0;
    for (size_t i = 0; good && i < names->count; i++)
        good = X509_check_host(c, names->items[i], 0, 0, NULL) == 1;
    ERR_clear_error();
    return good;
}

/* Requests */

static void request_free(X509_REQ **request)
{
    X509_REQ_free(*request);
}
#define AUTO_REQUEST CLEANUP(request_free) X509_REQ

static X509_REQ *make_request(const char *name, const char *organisation, EVP_PKEY *key)
{
    AUTO_REQUEST *r = X509_REQ_new();
    if (!r || X509_REQ_set_version(r, X509_REQ_VERSION_1) != 1 ||
        !set_part(X509_REQ_get_subject_name(r), NID_organizationName, organisation) ||
        !set_name(X509_REQ_get_subject_name(r), name) || X509_REQ_set_pubkey(r, key) != 1 ||
        X509_REQ_sign(r, key, EVP_sha256()) <= 0)
        return NULL;
    return TAKE_PTR(r);
}

static int request_to_pem(X509_REQ *request, struct strbuf *out, struct error *err)
{
    AUTO_BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_X509_REQ(bio, request) != 1)
        return fail(err, -EIO, "write a request as text");
    return add_pem(bio, out, err);
}

int tls_request_make(const char *name, const char *organisation, struct strbuf *request,
                     struct strbuf *key, struct error *err)
{
    start_openssl();
    if (!is_text(name, NAME_CHARACTERS ":@") || !is_text(organisation, NAME_CHARACTERS ":@"))
        return error_set(err, -EINVAL, "not a name for a certificate");
    AUTO_KEY *own = EVP_EC_gen("P-256");
    AUTO_REQUEST *r = own ? make_request(name, organisation, own) : NULL;
    if (!r)
        return fail(err, -EIO, "make a request for a certificate");
    int e = request_to_pem(r, request, err);
    return e < 0 ? e : key_to_pem(own, key, err);
}

static bool set_up_context(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_verify_depth(context, 0);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD);
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:"
                                             "TLS_CHACHA20_POLY1305_SHA256") == 1;
}

int tls_identity_new(const char *ca_pem, const char *cert_pem, const char *key_pem,
                     struct tls_identity **out, struct error *err)
{
    start_openssl();
    AUTO_X509 *ca = read_certificate(ca_pem);
    AUTO_X509 *own = read_certificate(cert_pem);
    AUTO_KEY *key = read_key(key_pem);
    if (!ca || !own || !key)
        return fail(err, -EINVAL, "read a certificate or its key");
    AUTO_TLS_IDENTITY *i = xcalloc(1, sizeof(*i));
    i->context = SSL_CTX_new(TLS_method());
    if (!i->context || !set_up_context(i->context))
        return fail(err, -EIO, "set up TLS");
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(i->context), ca) != 1 ||
        SSL_CTX_use_certificate(i->context, own) != 1 ||
        SSL_CTX_use_PrivateKey(i->context, key) != 1)
        return fail(err, -EINVAL, "use a certificate and its key");
    *out = TAKE_PTR(i);
    return 0;
}

void tls_identity_free(struct tls_identity **i)
{
    if (*i) {
        SSL_CTX_free((*i)->context);
        free(*i);
    }
    *i = NULL;
}

int tls_new(const struct tls_identity *identity, int fd, bool server, struct tls **out,
            struct error *err)
{
    struct tls *t = xcalloc(1, sizeof(*t));
    *t = (struct tls){.ssl = SSL_new(identity->context), .fd = fd, .events = POLLIN};
    if (!t->ssl || SSL_set_fd(t->ssl, fd) != 1) {
        tls_free(&t);
        return fail(err, -ENOMEM, "set up a TLS connection");
    }
    if (server)
        SSL_set_accept_state(t->ssl);
    else
        SSL_set_connect_state(t->ssl);
    *out = t;
    return 0;
}

void tls_free(struct tls **t)
{
    if (!*t)
        return;
    ERR_clear_error();
    if ((*t)->established && !(*t)->failed)
        SSL_shutdown((*t)->ssl);
    ERR_clear_error();
    SSL_free((*t)->ssl);
    fd_close(&(*t)->fd);
    free(*t);
    *t = NULL;
}

static bool is_rejection(void)
{
    switch (ERR_GET_REASON(ERR_peek_last_error())) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return true;
    default:
        return false;
    }
}

/* What an SSL call that did not succeed means; 0: the peer said goodbye. */
static int judge(struct tls *t, int result, struct error *err)
{
    int cause = errno;
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        t->events = POLLIN;
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        t->events = POLLOUT;
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        t->failed = true;
        ERR_clear_error();
        return cause ? error_errno(err, -EPIPE, "the connection was lost")
                     : error_set(err, -EPIPE, "the connection was cut");
    default:
        t->failed = true;
        if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
            return fail(err, -EPIPE, "the connection was cut");
        return fail(err, is_rejection() ? -EKEYREJECTED : -EPROTO, "TLS");
    }
}

/* The certificate is of the run's authority: its name is one that the authority gave. */
static int take_peer_name(struct tls *t, struct error *err)
{
    X509 *certificate = SSL_get0_peer_certificate(t->ssl);
    X509_NAME *subject = certificate ? X509_get_subject_name(certificate) : NULL;
    int len = subject ? X509_NAME_get_text_by_NID(subject, NID_commonName, t->peer, sizeof(t->peer))
                      : -1;
    if (len > 0 && strlen(t->peer) == (size_t) len && is_name(t->peer))
        return 0;
    t->failed = true;
    return error_set(err, -EKEYREJECTED, "the peer's certificate has no name");
}

int tls_handshake(struct tls *t, struct error *err)
{
    if (t->established)
        return 1;
    ERR_clear_error();
    errno = 0;
    int n = SSL_do_handshake(t->ssl);
    int r = n == 1 ? take_peer_name(t, err) : judge(t, n, err);
    if (n == 1 && r == 0)
        t->established = true;
    else if (r == 0)
        r = error_set(err, -EPIPE, "the peer ended the connection in its handshake");
    return r < 0 ? r : 1;
}

const char *tls_peer(const struct tls *t)
{
    return t->peer;
}

ssize_t tls_read(struct tls *t, void *buffer, size_t len, struct error *err)
{
    ERR_clear_error();
    errno = 0;
    int n = SSL_read(t->ssl, buffer, len < INT_MAX ? (int) len : INT_MAX);
    t->drained = n <= 0;
    return n > 0 ? n : judge(t, n, err);
}

ssize_t tls_write(struct tls *t, const void *data, size_t len, struct error *err)
{
    if (len == 0)
        return 0;
    ERR_clear_error();
    errno = 0;
    int n = SSL_write(t->ssl, data, len < INT_MAX ? (int) len : INT_MAX);
    int r = n > 0 ? n : judge(t, n, err);
    return r == 0 ? error_set(err, -EPIPE, "the peer has ended the connection") : r;
}

short tls_events(const struct tls *t)
{
    return t->events;
}

int tls_fd(const struct tls *t)
{
    return t->fd;
}

bool tls_pending(const struct tls *t)
{
    return !t->drained && SSL_has_pending(t->ssl) == 1;
}
