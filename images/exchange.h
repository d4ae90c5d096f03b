/* One HTTP request and its answer, redirects followed: what fetch.c (libcurl) gives to download.c,
 * which decides what is tried again and where the bytes go. */
#pragma once

#include "images/fetch.h"

#define EXCHANGE_REDIRECTS_MAX 10
#define EXCHANGE_HEADERS_MAX (64 * 1024) /* bytes of all headers of an answer */

struct exchange_answer {
    struct fetch_response *response; /* complete */
    int64_t length;                  /* Content-Length; -1: not said */
    int64_t range_start;             /* Content-Range; -1: not said, or not understood */
    int64_t range_total;             /* of Content-Range; -1: not said */
};

struct exchange {
    const struct fetch_request *request;
    int64_t offset; /* > 0: Range: bytes=OFFSET- */
    /* Takes bytes of the body of an answer that is no redirect; a negative return ends all and is
     * what exchange_run returns. */
    int (*body)(void *userdata, const struct exchange_answer *a, const char *data, size_t len,
                struct error *err);
    void *userdata;
};

const struct fetch_settings *fetcher_settings(const struct fetcher *f);
/* True when this fetcher has had an answer before: a host that cannot be reached may come back. */
bool fetcher_has_succeeded(const struct fetcher *f);
/* 0 when an answer came, of whatever status; errors are those of fetch_get. */
int exchange_run(struct fetcher *f, const struct exchange *x, struct exchange_answer *answer,
                 struct error *err);
