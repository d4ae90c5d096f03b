/* Retries, and downloads into files that are gone on with where they broke. */
#include "images/exchange.h"
#include "images/fetch.h"
#include "lib/clock.h"
#include "lib/digest.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FIRST_WAIT_MS 300 /* doubled each time */
#define CANCEL_POLL_MS 100
#define READ_CHUNK (128 * 1024)
#define PROGRESS_MIN (64 * 1024) /* bytes: less is no sign that it will end some day */

/* Retries */

struct attempts {
    const struct fetcher *fetcher;
    int in_vain; /* since something new came */
};

static bool status_may_pass(long status)
{
    return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

static bool may_pass(const struct attempts *a, int r, const struct fetch_response *response)
{
    switch (r) {
    case 0:
    case -EREMOTEIO:
        return status_may_pass(response->status) && response->retry_after <= FETCH_WAIT_MAX_S;
    case -ERESTART:
    case -ECONNRESET:
    case -ETIMEDOUT:
        return true;
    case -EHOSTUNREACH:
    case -ECONNREFUSED: /* never reached: rather down than on its way back */
        return fetcher_has_succeeded(a->fetcher);
    default:
        return false;
    }
}

static int wait_ms(const struct attempts *a, int64_t ms, struct error *err)
{
    const bool *cancel = fetcher_settings(a->fetcher)->cancel;
    int64_t deadline = clock_monotonic_ms() + ms;
    for (int left; (left = clock_left_ms(deadline)) > 0;) {
        if (cancel && *cancel)
            return error_set(err, -ECANCELED, "interrupted");
        int part = left < CANCEL_POLL_MS ? left : CANCEL_POLL_MS;
        const struct timespec t = {.tv_nsec = part * 1000000L};
        nanosleep(&t, NULL);
    }
    return 0;
}

/* True, after a wait, when another try is worth it. *r is what the last one returned. */
static bool again(struct attempts *a, const struct fetch_response *response, int *r,
                  struct error *err)
{
    if (!may_pass(a, *r, response) || a->in_vain >= FETCH_RETRIES)
        return false;
    bool answered = *r == 0 || *r == -EREMOTEIO;
    int64_t ms = answered && response->retry_after > 0 ? response->retry_after * 1000
                                                       : (int64_t) FIRST_WAIT_MS << a->in_vain;
    a->in_vain++;
    int waited = wait_ms(a, ms, err);
    if (waited < 0)
        *r = waited;
    return waited == 0;
}

/* Into memory */

static int body_to_memory(void *userdata, const struct exchange_answer *a, const char *data,
                          size_t len, struct error *err)
{
    (void) a;
    struct strbuf *body = userdata;
    if (strbuf_add(body, data, len) < 0)
        return error_set(err, -EFBIG, "an answer of more than %zu bytes", body->max);
    return 0;
}

int fetch_get(struct fetcher *f, const struct fetch_request *request, struct strbuf *body,
              struct fetch_response *response, struct error *err)
{
    struct exchange_answer answer = {.response = response};
    const struct exchange x = {.request = request, .body = body_to_memory, .userdata = body};
    struct attempts attempts = {.fetcher = f};
    int r;
    do {
        strbuf_reset(body);
        r = exchange_run(f, &x, &answer, err);
    } while (again(&attempts, response, &r, err));
    return r;
}

/* Into a file */

struct download {
    const struct fetch_settings *settings;
    const char *part;   /* path of the part file */
    const char *digest; /* may be NULL */
    int64_t size;       /* -1: not known */
    int64_t limit;
    int fd;
    struct sha256 *hash; /* of what is in the part */
    int64_t have;        /* bytes in the part */
    int64_t best;        /* as many as it has had when that was progress */
    bool begun;          /* this exchange: its status and length were looked at */
    bool foreign;        /* the part holds bytes of an earlier call */
};

static void download_release(struct download *d)
{
    fd_close(&d->fd);
    sha256_free(&d->hash);
}

static int start_over(struct download *d, struct error *err)
{
    sha256_free(&d->hash);
    d->hash = sha256_new();
    d->have = 0;
    d->foreign = false;
    if (ftruncate(d->fd, 0) < 0 || lseek(d->fd, 0, SEEK_SET) < 0)
        return error_errno(err, -errno, "write %s", d->part);
    return 0;
}

static int64_t most(const struct download *d)
{
    return d->size >= 0 ? d->size : d->limit;
}

static int hash_part(struct download *d, struct error *err)
{
    AUTO_FREE char *chunk = xcalloc(1, READ_CHUNK);
    ssize_t n;
    d->hash = sha256_new();
    while ((n = read(d->fd, chunk, READ_CHUNK)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, -errno, "read %s", d->part);
        sha256_update(d->hash, chunk, (size_t) n);
        d->have += n;
    }
    d->foreign = d->have > 0;
    return 0;
}

static int open_part(struct download *d, struct error *err)
{
    struct stat st;
    d->fd = open(d->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (d->fd < 0 || fstat(d->fd, &st) < 0)
        return error_errno(err, -errno, "create %s", d->part);
    return d->digest && st.st_size <= most(d) ? hash_part(d, err) : start_over(d, err);
}

static int begin_whole(struct download *d, int64_t length, struct error *err)
{
    if (d->size >= 0 && length >= 0 && length != d->size)
        return error_set(err, -EBADMSG, "announces %lld bytes, expected are %lld",
                         (long long) length, (long long) d->size);
    if (length > most(d))
        return error_set(err, -EFBIG, "announces %lld bytes, at most %lld are taken",
                         (long long) length, (long long) most(d));
    return d->have ? start_over(d, err) : 0;
}

/* The server's idea of the rest has to be ours. */
static int begin_rest(struct download *d, const struct exchange_answer *a, struct error *err)
{
    if (d->have && a->range_start == d->have &&
        (d->size < 0 || a->range_total < 0 || a->range_total == d->size))
        return 0;
    int r = start_over(d, err);
    return r < 0 ? r : error_set(err, -ERESTART, "answers with another part than it was asked for");
}

static int begin(struct download *d, const struct exchange_answer *a, struct error *err)
{
    d->begun = true;
    int r;
    switch (a->response->status) {
    case 200:
        return begin_whole(d, a->length, err);
    case 206:
        return begin_rest(d, a, err);
    case 416: /* our part is no part of it */
        r = start_over(d, err);
        return r < 0 ? r : error_set(err, -ERESTART, "has no such part");
    default:
        return error_set(err, -EREMOTEIO, "answers with status %ld", a->response->status);
    }
}

static int body_to_file(void *userdata, const struct exchange_answer *a, const char *data,
                        size_t len, struct error *err)
{
    struct download *d = userdata;
    int r = d->begun ? 0 : begin(d, a, err);
    if (r < 0)
        return r;
    if ((int64_t) len > most(d) - d->have)
        return error_set(err, d->size >= 0 ? -EBADMSG : -EFBIG, "sends more than %lld bytes",
                         (long long) most(d));
    if ((r = fd_write_all(d->fd, data, len)) < 0)
        return error_errno(err, r, "write %s", d->part);
    sha256_update(d->hash, data, len);
    d->have += (int64_t) len;
    if (d->settings->progress) {
        int64_t total = d->size >= 0 ? d->size : a->length;
        d->settings->progress(d->settings->userdata, (uint64_t) d->have,
                              total > 0 ? (uint64_t) total : 0);
    }
    return 0;
}

static int get_once(struct download *d, struct fetcher *f, const struct fetch_request *request,
                    struct fetch_response *response, struct error *err)
{
    struct exchange_answer answer = {.response = response};
    const struct exchange x = {
        .request = request, .offset = d->have, .body = body_to_file, .userdata = d};
    d->begun = false;
    int r = exchange_run(f, &x, &answer, err);
    if (r == 0 && !d->begun && (r = begin(d, &answer, err)) < 0) {
        AUTO_FREE char *shown = fetch_shown_url(response->url);
        (void) error_prefix(err, "%s", shown);
    }
    return r;
}

static int get_all(struct download *d, struct fetcher *f, const struct fetch_request *request,
                   struct fetch_response *response, struct error *err)
{
    struct attempts attempts = {.fetcher = f};
    int r;
    if (d->have && d->have == d->size)
        return 0;
    do {
        r = get_once(d, f, request, response, err);
        if (d->have >= d->best + PROGRESS_MIN) {
            d->best = d->have;
            attempts.in_vain = 0;
        }
    } while (again(&attempts, response, &r, err));
    if (r == -ERESTART)
        r = err ? (err->code = -EBADMSG) : -EBADMSG;
    return r;
}

static int check_whole(struct download *d, struct error *err)
{
    char digest[DIGEST_SIZE];
    sha256_finish(TAKE_PTR(d->hash), digest);
    if (d->size >= 0 && d->have != d->size)
        return error_set(err, -EBADMSG, "it has %lld bytes, expected are %lld", (long long) d->have,
                         (long long) d->size);
    if (d->digest && strcmp(d->digest, digest) != 0)
        return error_set(err, -EBADMSG, "it has the digest %s, expected is %s", digest, d->digest);
    return fsync(d->fd) < 0 ? error_errno(err, -errno, "write %s", d->part) : 0;
}

static int get_checked(struct download *d, struct fetcher *f, const struct fetch_request *request,
                       struct fetch_response *response, struct error *err)
{
    for (;;) {
        bool was_foreign = d->foreign;
        int r = get_all(d, f, request, response, err);
        if (r < 0)
            return r;
        r = check_whole(d, err);
        if (r == 0)
            return 0;
        if (r != -EBADMSG || !was_foreign) {
            AUTO_FREE char *shown = fetch_shown_url(request->url);
            return error_prefix(err, "%s", shown);
        }
        /* What an earlier run left may be at fault (a crash, a change of the file). */
        if ((r = start_over(d, err)) < 0)
            return r;
    }
}

int fetch_file(struct fetcher *f, const struct fetch_request *request, const char *path,
               const char *digest, int64_t size, int64_t limit, struct fetch_response *response,
               struct error *err)
{
    AUTO_FREE char *part = xasprintf("%s.part", path);
    CLEANUP(download_release)
    struct download d = {.settings = fetcher_settings(f),
                         .part = part,
                         .digest = digest,
                         .size = size,
                         .limit = limit,
                         .fd = -1};
    int r = open_part(&d, err);
    if (r == 0)
        r = get_checked(&d, f, request, response, err);
    if (r == 0 && rename(part, path) < 0)
        r = error_errno(err, -errno, "rename %s", part);
    if (r == -EBADMSG)
        unlink(part);
    return r;
}
