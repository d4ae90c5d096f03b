/* Downloads over HTTP and HTTPS (fetch.c is the only user of libcurl). TLS certificates are always
 * checked, redirects never leave https for http nor HTTP for anything else, and every body has a
 * limit. Proxies come from the usual variables (https_proxy, http_proxy, no_proxy). */
#pragma once

#include "lib/error.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stdint.h>

#define FETCH_RETRIES 4 /* of what may pass: 429, 5xx, a broken connection; honours Retry-After */

/* One conversation: keeps connections alive between requests. Belongs to one thread. */
struct fetcher;

struct fetch_settings {
    const char *ca_file;  /* PEM beside the system's, or NULL */
    bool insecure_http;   /* plain http is allowed (a registry on loopback, a mirror set so) */
    const bool *cancel;   /* may be NULL; true: -ECANCELED */
    void (*progress)(void *userdata, uint64_t done, uint64_t total); /* total 0: not known */
    void *userdata;
};

struct fetcher *fetcher_new(const struct fetch_settings *settings);
void fetcher_free(struct fetcher **f);
#define AUTO_FETCHER CLEANUP(fetcher_free) struct fetcher

struct fetch_request {
    const char *url;
    const struct strv *headers; /* "Name: value"; Authorization is not sent to another host after a
                                   redirect; may be NULL */
    bool head;                  /* HEAD: no body */
};

/* What a server said; zero-initialised. */
struct fetch_response {
    long status;      /* 200, 401, 404, …: no error of fetch_get by itself */
    char *type;       /* Content-Type, or NULL */
    char *challenge;  /* WWW-Authenticate, or NULL */
    char *digest;     /* Docker-Content-Digest, or NULL */
    char *url;        /* where the answer came from after redirects */
};
void fetch_response_release(struct fetch_response *r);
#define AUTO_RESPONSE CLEANUP(fetch_response_release) struct fetch_response

/* Into memory; body's own maximum is the limit: -EFBIG. 429 and 5xx are tried again; any other
 * status is the caller's to judge. -errno only for transport, limits, cancel. */
int fetch_get(struct fetcher *f, const struct fetch_request *request, struct strbuf *body,
              struct fetch_response *response, struct error *err);

/* Into a file, by its digest ("sha256:…"; size -1: not known, then `limit` bytes at most). Goes on
 * by range where a part file (PATH.part) of an earlier try ends, also within the retries. The name
 * appears when size and digest are right; -EBADMSG and the part removed when they are not.
 * -EREMOTEIO for a status other than 200 and 206 (*response tells). */
int fetch_file(struct fetcher *f, const struct fetch_request *request, const char *path,
               const char *digest, int64_t size, int64_t limit, struct fetch_response *response,
               struct error *err);
