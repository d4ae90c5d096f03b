/* Downloads over HTTP and HTTPS (fetch.c is the only user of libcurl). TLS certificates are always
 * checked, redirects never leave https for http nor HTTP for anything else, and every body has a
 * limit. Proxies come from the usual variables (https_proxy, http_proxy, no_proxy). Errors name
 * the host and the path, never a query: it may hold a secret. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stdint.h>

/* Tries after the first, as long as none brings anything new: of what may pass (429, 5xx, a broken
 * or stalled connection). Waits as long as Retry-After says, up to FETCH_WAIT_MAX_S. */
#define FETCH_RETRIES 4
#define FETCH_WAIT_MAX_S 60
#define FETCH_STALL_S 30 /* with less than 1 KiB/s: the connection counts as broken */

/* One conversation: keeps connections alive between requests. Belongs to one thread. */
struct fetcher;

/* Strings and pointers have to live as long as the fetcher. */
struct fetch_settings {
    const char *ca_file;  /* PEM beside the system's; NULL: $SSL_CERT_FILE, if that is set */
    bool insecure_http;   /* plain http is allowed (a registry on loopback, a mirror set so) */
    int stall_seconds;    /* 0: FETCH_STALL_S */
    const bool *cancel;   /* may be NULL; true: -ECANCELED */
    /* Of fetch_file; may be NULL. total 0: not known */
    void (*progress)(void *userdata, uint64_t done, uint64_t total);
    void *userdata;
};

struct fetcher *fetcher_new(const struct fetch_settings *settings);
void fetcher_free(struct fetcher **f);
#define AUTO_FETCHER CLEANUP(fetcher_free) struct fetcher

struct fetch_request {
    const char *url;            /* without user and password */
    const struct strv *headers; /* "Name: value"; Authorization is not sent to another host after a
                                   redirect; may be NULL */
    bool head;                  /* HEAD: no body */
};

/* What a server said; zero-initialised. */
struct fetch_response {
    long status;      /* 200, 401, 404, …: no error of fetch_get by itself */
    long retry_after; /* seconds; 0: it did not say */
    char *type;       /* Content-Type without parameters, or NULL */
    char *challenge;  /* WWW-Authenticate (several are joined with ", "), or NULL */
    char *digest;     /* Docker-Content-Digest, or NULL */
    char *url;        /* where the answer came from after redirects */
};
void fetch_response_release(struct fetch_response *r);
#define AUTO_RESPONSE CLEANUP(fetch_response_release) struct fetch_response

/* Into memory; body's own maximum is the limit: -EFBIG. 429 and 5xx are tried again; any other
 * status, and those when they stay, are the caller's to judge. -errno only for transport, limits,
 * cancel: -EPROTONOSUPPORT (URL or redirect to something not allowed), -ELOOP (redirects),
 * -EHOSTUNREACH (no such name), -ECONNREFUSED (no connection), -EKEYREJECTED (certificate),
 * -ETIMEDOUT (stalled), -ECONNRESET (broken), -EPROTO (no HTTP). */
int fetch_get(struct fetcher *f, const struct fetch_request *request, struct strbuf *body,
              struct fetch_response *response, struct error *err);

/* Into a file, by its digest ("sha256:…"; size -1: not known, then `limit` bytes at most). Goes on
 * by range where a part file (PATH.part) of an earlier try ends, also within the retries. The name
 * appears when size and digest are right; -EBADMSG and the part removed when they are not.
 * -EREMOTEIO for a status other than 200 and 206 (*response tells).
 * digest NULL: not known yet (the caller is about to pin it). Then an earlier part is not used. */
int fetch_file(struct fetcher *f, const struct fetch_request *request, const char *path,
               const char *digest, int64_t size, int64_t limit, struct fetch_response *response,
               struct error *err);

/* "https://host/path" of a URL, without user, query and fragment: for people. The caller frees. */
char *fetch_shown_url(const char *url);
