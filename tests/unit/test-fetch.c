#include "images/exchange.h"
#include "images/fetch.h"
#include "lib/clock.h"
#include "lib/digest.h"
#include "tests/unit/http-fixture.h"
#include "tests/unit/unit.h"

#include "tests/unit/soon.h"

#include <errno.h>
#include <sys/stat.h>

#define BODY_LEN 200000

struct fixture {
    struct http_server server;
    char *dir;
    char body[BODY_LEN + 1], digest[DIGEST_SIZE];
    char *url, *path, *part;
    struct fetcher *fetcher;
    struct error err;
    struct fetch_response response;
    bool cancel;
    uint64_t done, total;
};

static void on_progress(void *userdata, uint64_t done, uint64_t total)
{
    struct fixture *f = userdata;
    f->done = done;
    f->total = total;
}

static struct fixture *start(void **state, http_handler handler)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    for (size_t i = 0; i < BODY_LEN; i++)
        f->body[i] = (char) ('a' + i * i % 23);
    digest_buffer(f->body, BODY_LEN, f->digest);
    http_start(&f->server, handler, f);
    f->dir = *state;
    f->url = xasprintf("http://127.0.0.1:%u/v2/thing?token=secret", f->server.port);
    f->path = path_join(f->dir, "thing");
    f->part = path_join(f->dir, "thing.part");
    const struct fetch_settings settings = {.insecure_http = true,
                                            .stall_seconds = 1,
                                            .cancel = &f->cancel,
                                            .progress = on_progress,
                                            .userdata = f};
    f->fetcher = fetcher_new(&settings);
    return f;
}

static void stop(struct fixture *f)
{
    http_release(&f->server);
    fetcher_free(&f->fetcher);
    fetch_response_release(&f->response);
    free(f->url);
    free(f->path);
    free(f->part);
    free(f);
}

static int get(struct fixture *f, struct strbuf *body)
{
    const struct fetch_request request = {.url = f->url};
    return fetch_get(f->fetcher, &request, body, &f->response, &f->err);
}

static int get_file(struct fixture *f, const char *digest, int64_t size, int64_t limit)
{
    const struct fetch_request request = {.url = f->url};
    return fetch_file(f->fetcher, &request, f->path, digest, size, limit, &f->response, &f->err);
}

static void write_part(struct fixture *f, const char *data, size_t len)
{
    assert_int_equal(file_write_atomic(f->part, data, len, 0644, NULL), 0);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void assert_whole(struct fixture *f)
{
    assert_int_equal(file_is(f->path, f->body, BODY_LEN, 0644), 1);
    assert_false(exists(f->part));
}

/* Handlers */

static void answer_all(struct http_server *s, int fd, const char *request, int nth)
{
    (void) request;
    (void) nth;
    struct fixture *f = s->data;
    http_answer(fd, "200 OK", "Content-Type: text/x; charset=y\r\nDocker-Content-Digest: d\r\n",
                f->body);
}

static void answer_range_or_break(struct http_server *s, int fd, const char *request, int nth)
{
    struct fixture *f = s->data;
    const char *range = strstr(request, "Range: bytes=");
    size_t from = range ? strtoul(range + 13, NULL, 10) : 0;
    AUTO_FREE char *head =
        range ? xasprintf("HTTP/1.1 206 Partial\r\nContent-Range: bytes %zu-%d/%d\r\n"
                          "Content-Length: %zu\r\n\r\n",
                          from, BODY_LEN - 1, BODY_LEN, BODY_LEN - from)
              : xasprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY_LEN);
    http_send(fd, head);
    size_t len = BODY_LEN - from;
    if (nth < 3 && len > 70000)
        len = 70000;
    (void) !send(fd, f->body + from, len, MSG_NOSIGNAL);
}

static void ignore_range_and_break_first(struct http_server *s, int fd, const char *request,
                                         int nth)
{
    (void) request;
    struct fixture *f = s->data;
    AUTO_FREE char *head = xasprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY_LEN);
    http_send(fd, head);
    (void) !send(fd, f->body, nth == 1 ? 1000 : BODY_LEN, MSG_NOSIGNAL);
}

/* Never comes further, whatever is asked for. */
static void always_break(struct http_server *s, int fd, const char *request, int nth)
{
    (void) request;
    (void) nth;
    struct fixture *f = s->data;
    AUTO_FREE char *head = xasprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY_LEN);
    http_send(fd, head);
    (void) !send(fd, f->body, 100000, MSG_NOSIGNAL);
}

static void lie_about_range(struct http_server *s, int fd, const char *request, int nth)
{
    (void) nth;
    struct fixture *f = s->data;
    if (!strstr(request, "Range:")) {
        http_answer(fd, "200 OK", "", f->body);
        return;
    }
    http_answer(fd, "206 Partial", "Content-Range: bytes 7-199999/200000\r\n", f->body + 7);
}

static void lie_about_total(struct http_server *s, int fd, const char *request, int nth)
{
    (void) nth;
    struct fixture *f = s->data;
    if (!strstr(request, "Range:")) {
        http_answer(fd, "200 OK", "", f->body);
        return;
    }
    http_answer(fd, "206 Partial", "Content-Range: bytes 1000-1999/2000\r\n", "x");
}

static void partial_unasked(struct http_server *s, int fd, const char *request, int nth)
{
    (void) request;
    (void) nth;
    struct fixture *f = s->data;
    http_answer(fd, "206 Partial", "Content-Range: bytes 0-199999/200000\r\n", f->body);
}

static void no_such_range(struct http_server *s, int fd, const char *request, int nth)
{
    if (strstr(request, "Range:"))
        http_answer(fd, "416 Range Not Satisfiable", "", "");
    else
        answer_all(s, fd, request, nth);
}

static void endless(struct http_server *s, int fd, const char *request, int nth)
{
    (void) request;
    (void) nth;
    struct fixture *f = s->data;
    http_send(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    while (send(fd, f->body, BODY_LEN, MSG_NOSIGNAL) > 0)
        ;
}

static void endless_headers(struct http_server *s, int fd, const char *request, int nth)
{
    (void) s;
    (void) request;
    (void) nth;
    http_send(fd, "HTTP/1.1 200 OK\r\n");
    while (send(fd, "X-A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n", 41, MSG_NOSIGNAL) > 0)
        ;
}

static void stall(struct http_server *s, int fd, const char *request, int nth)
{
    (void) s;
    (void) request;
    (void) nth;
    http_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n12345");
    char c;
    (void) !read(fd, &c, 1); /* until the client has enough */
}

static void no_http(struct http_server *s, int fd, const char *request, int nth)
{
    (void) s;
    (void) request;
    (void) nth;
    http_send(fd, "SSH-2.0-OpenSSH_9.2\r\n\033[31m");
}

static void loop(struct http_server *s, int fd, const char *request, int nth)
{
    (void) s;
    (void) request;
    AUTO_FREE char *location = xasprintf("Location: /again/%d\r\n", nth);
    http_answer(fd, "307 Temporary Redirect", location, "");
}

static const char *redirect_to; /* of the test at work */
static void redirect(struct http_server *s, int fd, const char *request, int nth)
{
    if (nth > 1) {
        answer_all(s, fd, request, nth);
        return;
    }
    AUTO_FREE char *location = xasprintf("Location: %s\r\n", redirect_to);
    http_answer(fd, "302 Found", location, "moved");
}

static const char *failures[HTTP_REQUESTS_MAX]; /* status and headers of the first answers */
static void fail_first(struct http_server *s, int fd, const char *request, int nth)
{
    const char *status = failures[nth - 1];
    if (!status) {
        answer_all(s, fd, request, nth);
        return;
    }
    AUTO_FREE char *text =
        xasprintf("HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbad", status);
    http_send(fd, text);
}

static void set_failures(const char *status, int count)
{
    for (int i = 0; i < HTTP_REQUESTS_MAX; i++)
        failures[i] = i < count ? status : NULL;
}

/* Into memory */

static void test_get_tells_what_the_server_said(void **state)
{
    struct fixture *f = start(state, answer_all);
    STRBUF(body, BODY_LEN);
    assert_int_equal(get(f, &body), 0);
    assert_int_equal(body.len, BODY_LEN);
    assert_memory_equal(body.data, f->body, BODY_LEN);
    assert_int_equal(f->response.status, 200);
    assert_string_equal(f->response.type, "text/x");
    assert_string_equal(f->response.digest, "d");
    assert_string_equal(f->response.url, f->url);
    stop(f);
}

static void test_get_has_a_limit(void **state)
{
    struct fixture *f = start(state, endless);
    STRBUF(body, 1000000);
    assert_int_equal(get(f, &body), -EFBIG);
    assert_error_has(f->err, "/v2/thing");
    assert_null(strstr(f->err.text, "secret"));
    stop(f);
}

static void test_headers_have_a_limit(void **state)
{
    struct fixture *f = start(state, endless_headers);
    STRBUF(body, 1000);
    assert_int_equal(get(f, &body), -EFBIG);
    assert_error_has(f->err, "headers");
    stop(f);
}

static void test_head_has_no_body(void **state)
{
    struct fixture *f = start(state, answer_all);
    STRBUF(body, 1000);
    const struct fetch_request request = {.url = f->url, .head = true};
    assert_int_equal(fetch_get(f->fetcher, &request, &body, &f->response, &f->err), 0);
    assert_int_equal(body.len, 0);
    assert_int_equal(f->response.status, 200);
    http_stop(&f->server);
    assert_int_equal(strncmp(f->server.requests[0], "HEAD ", 5), 0);
    stop(f);
}

static void test_other_statuses_are_the_callers(void **state)
{
    struct fixture *f = start(state, fail_first);
    set_failures("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"\r\n"
                 "WWW-Authenticate: Bearer realm=\"b\"",
                 1);
    STRBUF(body, 1000);
    assert_int_equal(get(f, &body), 0);
    assert_int_equal(f->response.status, 401);
    assert_string_equal(f->response.challenge, "Basic realm=\"a\", Bearer realm=\"b\"");
    assert_string_equal(body.data, "bad");
    assert_int_equal(f->server.count, 1);
    stop(f);
}

static void test_5xx_is_tried_again(void **state)
{
    struct fixture *f = start(state, fail_first);
    set_failures("503 Service Unavailable", 2);
    STRBUF(body, BODY_LEN);
    assert_int_equal(get(f, &body), 0);
    assert_int_equal(f->response.status, 200);
    assert_int_equal(body.len, BODY_LEN);
    assert_int_equal(f->server.count, 3);
    stop(f);
}

static void test_5xx_that_stays_is_told(void **state)
{
    struct fixture *f = start(state, fail_first);
    set_failures("500 Oops", HTTP_REQUESTS_MAX);
    STRBUF(body, BODY_LEN);
    assert_int_equal(get(f, &body), 0);
    assert_int_equal(f->response.status, 500);
    assert_int_equal(f->server.count, 1 + FETCH_RETRIES);
    stop(f);
}

static void test_retry_after_is_obeyed(void **state)
{
    struct fixture *f = start(state, fail_first);
    set_failures("429 Too Many Requests\r\nRetry-After: 2", 1);
    STRBUF(body, BODY_LEN);
    int64_t began = clock_monotonic_ms();
    assert_int_equal(get(f, &body), 0);
    assert_int_equal(f->response.status, 200);
    assert_later(began, 1900);
    assert_soon(began);
    stop(f);
}

static void test_long_retry_after_ends_it(void **state)
{
    struct fixture *f = start(state, fail_first);
    set_failures("429 Too Many Requests\r\nRetry-After: 3600", 1);
    STRBUF(body, BODY_LEN);
    assert_int_equal(get(f, &body), 0);
    assert_int_equal(f->response.status, 429);
    assert_int_equal(f->response.retry_after, 3600);
    assert_int_equal(f->server.count, 1);
    stop(f);
}

static void test_waiting_can_be_cancelled(void **state)
{
    struct fixture *f = start(state, fail_first);
    set_failures("429 Too Many Requests\r\nRetry-After: 50", 5);
    STRBUF(body, BODY_LEN);
    f->cancel = true;
    int64_t began = clock_monotonic_ms();
    assert_int_equal(get(f, &body), -ECANCELED);
    assert_soon(began);
    stop(f);
}

static void test_stalled_server_is_left(void **state)
{
    struct fixture *f = start(state, stall);
    STRBUF(body, BODY_LEN);
    assert_int_equal(get(f, &body), -ETIMEDOUT);
    assert_int_equal(f->server.count, 1 + FETCH_RETRIES);
    stop(f);
}

static void test_no_http_is_refused(void **state)
{
    struct fixture *f = start(state, no_http);
    STRBUF(body, BODY_LEN);
    assert_int_equal(get(f, &body), -EPROTO);
    assert_null(strchr(f->err.text, '\033'));
    stop(f);
}

static void test_nobody_listens(void **state)
{
    struct fixture *f = start(state, answer_all);
    STRBUF(body, BODY_LEN);
    http_stop(&f->server);
    int64_t began = clock_monotonic_ms();
    assert_int_equal(get(f, &body), -ECONNREFUSED);
    /* Not tried again: the waits between tries are 300, 600, 1200 and 2400 ms. */
    assert_in_range(clock_monotonic_ms() - began, 0, 4499);
    assert_error_has(f->err, "127.0.0.1");
    assert_true(f->err.remedy[0]);
    stop(f);
}

/* URLs and redirects */

static int get_url(struct fixture *f, const char *url)
{
    free(f->url);
    f->url = xstrdup(url);
    STRBUF(body, BODY_LEN);
    return get(f, &body);
}

static void test_schemes(void **state)
{
    struct fixture *f = start(state, answer_all);
    assert_int_equal(get_url(f, "file:///etc/passwd"), -EPROTONOSUPPORT);
    assert_int_equal(get_url(f, "ftp://127.0.0.1/x"), -EPROTONOSUPPORT);
    assert_int_equal(get_url(f, "http://user:word@127.0.0.1/x"), -EPROTONOSUPPORT);
    assert_null(strstr(f->err.text, "word"));
    assert_int_equal(get_url(f, "no url"), -EPROTONOSUPPORT);
    assert_int_equal(get_url(f, ""), -EPROTONOSUPPORT);
    assert_int_equal(f->server.count, 0);
    stop(f);
}

static void test_plain_http_has_to_be_allowed(void **state)
{
    struct fixture *f = start(state, answer_all);
    const struct fetch_settings settings = {0};
    AUTO_FETCHER *strict = fetcher_new(&settings);
    const struct fetch_request request = {.url = f->url};
    STRBUF(body, BODY_LEN);
    assert_int_equal(fetch_get(strict, &request, &body, &f->response, &f->err), -EPROTONOSUPPORT);
    assert_int_equal(f->server.count, 0);
    stop(f);
}

static int get_redirected(struct fixture *f, const char *to, const struct strv *headers)
{
    redirect_to = to;
    STRBUF(body, BODY_LEN);
    const struct fetch_request request = {.url = f->url, .headers = headers};
    return fetch_get(f->fetcher, &request, &body, &f->response, &f->err);
}

static void test_redirects_stay_with_http(void **state)
{
    static const char *const targets[] = {"file:///etc/passwd", "ftp://127.0.0.1/x",
                                          "gopher://127.0.0.1/x", "http://a:b@127.0.0.1/",
                                          "scp://127.0.0.1/x"};
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        struct fixture *f = start(state, redirect);
        assert_int_equal(get_redirected(f, targets[i], NULL), -EPROTONOSUPPORT);
        assert_error_has(f->err, "redirects");
        assert_int_equal(f->server.count, 1);
        stop(f);
    }
}

static void test_redirects_keep_authorization_at_home(void **state)
{
    struct fixture *f = start(state, redirect);
    STRV(headers);
    strv_add(&headers, "Authorization: Bearer abc");
    strv_add(&headers, "Accept: x/y");
    assert_int_equal(get_redirected(f, "/elsewhere", &headers), 0);
    http_stop(&f->server);
    assert_non_null(strstr(f->server.requests[0], "Bearer abc"));
    assert_non_null(strstr(f->server.requests[1], "Bearer abc"));
    assert_non_null(strstr(f->server.requests[1], "GET /elsewhere "));
    assert_non_null(strstr(f->response.url, "/elsewhere"));
    stop(f);
}

static void test_redirects_do_not_take_authorization_along(void **state)
{
    struct fixture *f = start(state, redirect), *other = start(state, answer_all);
    STRV(headers);
    strv_add(&headers, "Authorization: Bearer abc");
    strv_add(&headers, "Accept: x/y");
    assert_int_equal(get_redirected(f, other->url, &headers), 0);
    http_stop(&other->server);
    assert_int_equal(other->server.count, 1);
    assert_null(strstr(other->server.requests[0], "abc"));
    assert_non_null(strstr(other->server.requests[0], "Accept: x/y"));
    stop(f);
    stop(other);
}

static void test_redirect_loop(void **state)
{
    struct fixture *f = start(state, loop);
    STRBUF(body, BODY_LEN);
    assert_int_equal(get(f, &body), -ELOOP);
    assert_int_equal(f->server.count, EXCHANGE_REDIRECTS_MAX + 1);
    stop(f);
}

/* Into a file */

static void test_file(void **state)
{
    struct fixture *f = start(state, answer_all);
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), 0);
    assert_whole(f);
    assert_int_equal(f->done, BODY_LEN);
    assert_int_equal(f->total, BODY_LEN);
    stop(f);
}

static void test_file_without_digest_and_size(void **state)
{
    struct fixture *f = start(state, answer_all);
    write_part(f, "old", 3);
    assert_int_equal(get_file(f, NULL, -1, BODY_LEN), 0);
    assert_whole(f);
    http_stop(&f->server);
    assert_null(strstr(f->server.requests[0], "Range:"));
    stop(f);
}

static void test_file_resumes_within_the_retries(void **state)
{
    struct fixture *f = start(state, answer_range_or_break);
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), 0);
    assert_whole(f);
    http_stop(&f->server);
    assert_int_equal(f->server.count, 3);
    assert_non_null(strstr(f->server.requests[1], "Range: bytes=70000-"));
    assert_non_null(strstr(f->server.requests[2], "Range: bytes=140000-"));
    stop(f);
}

static void test_file_resumes_an_earlier_try(void **state)
{
    struct fixture *f = start(state, answer_range_or_break);
    write_part(f, f->body, 150000);
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), 0);
    assert_whole(f);
    http_stop(&f->server);
    assert_non_null(strstr(f->server.requests[0], "Range: bytes=150000-"));
    stop(f);
}

static void test_file_was_whole_but_for_its_name(void **state)
{
    struct fixture *f = start(state, answer_all);
    write_part(f, f->body, BODY_LEN);
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), 0);
    assert_whole(f);
    assert_int_equal(f->server.count, 0);
    stop(f);
}

static void test_bad_earlier_try_is_made_anew(void **state)
{
    struct fixture *f = start(state, answer_range_or_break);
    char zeros[1000] = {0};
    write_part(f, zeros, sizeof(zeros));
    f->server.count = 10; /* answers in full */
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), 0);
    assert_whole(f);
    stop(f);
}

static void test_part_that_is_too_long_is_dropped(void **state)
{
    struct fixture *f = start(state, no_such_range);
    AUTO_FREE char *longer = xasprintf("%s and more", f->body);
    write_part(f, longer, strlen(longer));
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), 0);
    assert_whole(f);
    stop(f);
}

static void test_part_that_the_server_does_not_know(void **state)
{
    struct fixture *f = start(state, no_such_range);
    write_part(f, f->body, 1000);
    assert_int_equal(get_file(f, f->digest, -1, BODY_LEN), 0);
    assert_whole(f);
    stop(f);
}

static void test_server_that_ignores_ranges(void **state)
{
    struct fixture *f = start(state, ignore_range_and_break_first);
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), 0);
    assert_whole(f);
    assert_int_equal(f->server.count, 2);
    stop(f);
}

static void test_server_that_never_comes_further(void **state)
{
    struct fixture *f = start(state, always_break);
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), -ECONNRESET);
    assert_false(exists(f->path));
    assert_int_equal(f->server.count, 1 + FETCH_RETRIES);
    stop(f);
}

static void test_server_that_lies_about_ranges(void **state)
{
    static const http_handler liars[] = {lie_about_range, lie_about_total};
    for (size_t i = 0; i < ARRAY_SIZE(liars); i++) {
        struct fixture *f = start(state, liars[i]);
        write_part(f, f->body, 1000);
        assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), 0);
        assert_whole(f);
        assert_int_equal(f->server.count, 2);
        unlink(f->path);
        stop(f);
    }
}

static void test_part_that_nobody_asked_for(void **state)
{
    struct fixture *f = start(state, partial_unasked);
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), -EBADMSG);
    assert_int_equal(f->err.code, -EBADMSG);
    assert_false(exists(f->path));
    assert_false(exists(f->part));
    stop(f);
}

static void test_wrong_content(void **state)
{
    struct fixture *f = start(state, answer_all);
    f->body[7]++;
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), -EBADMSG);
    assert_error_has(f->err, f->digest);
    assert_error_has(f->err, "127.0.0.1");
    assert_false(exists(f->path));
    assert_false(exists(f->part));
    assert_int_equal(f->server.count, 1);
    stop(f);
}

static void test_wrong_length(void **state)
{
    struct fixture *f = start(state, answer_all);
    assert_int_equal(get_file(f, f->digest, BODY_LEN - 1, BODY_LEN), -EBADMSG);
    assert_int_equal(get_file(f, f->digest, BODY_LEN + 1, BODY_LEN * 2), -EBADMSG);
    assert_error_has(f->err, "200001");
    assert_false(exists(f->path));
    assert_false(exists(f->part));
    assert_int_equal(f->done, 0); /* nothing of it was written */
    stop(f);
}

static void test_endless_body(void **state)
{
    struct fixture *f = start(state, endless);
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), -EBADMSG);
    assert_int_equal(get_file(f, f->digest, -1, 3 * BODY_LEN), -EFBIG);
    struct stat st;
    assert_int_equal(stat(f->part, &st), 0);
    assert_in_range(st.st_size, 0, 3 * BODY_LEN);
    assert_false(exists(f->path));
    stop(f);
}

static void test_announced_too_much(void **state)
{
    struct fixture *f = start(state, answer_all);
    assert_int_equal(get_file(f, f->digest, -1, BODY_LEN - 1), -EFBIG);
    assert_int_equal(f->done, 0);
    stop(f);
}

static void test_file_status(void **state)
{
    struct fixture *f = start(state, fail_first);
    set_failures("404 Not Found", 1);
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), -EREMOTEIO);
    assert_int_equal(f->response.status, 404);
    assert_error_has(f->err, "404");
    assert_null(strstr(f->err.text, "secret"));
    assert_false(exists(f->path));
    assert_int_equal(f->server.count, 1);
    set_failures("502 Bad Gateway", 3);
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), 0);
    assert_whole(f);
    stop(f);
}

static void test_empty_file(void **state)
{
    struct fixture *f = start(state, answer_all);
    char digest[DIGEST_SIZE];
    digest_buffer("", 0, digest);
    f->body[0] = '\0';
    assert_int_equal(get_file(f, digest, 0, 10), 0);
    assert_int_equal(file_is(f->path, "", 0, 0644), 1);
    stop(f);
}

static void test_part_is_no_symlink(void **state)
{
    struct fixture *f = start(state, answer_all);
    AUTO_FREE char *victim = path_join(f->dir, "victim");
    assert_int_equal(file_write_atomic(victim, "v", 1, 0644, NULL), 0);
    assert_int_equal(symlink(victim, f->part), 0);
    assert_int_equal(get_file(f, f->digest, BODY_LEN, BODY_LEN), -ELOOP);
    assert_int_equal(file_is(victim, "v", 1, 0644), 1);
    stop(f);
}

static void test_download_can_be_cancelled(void **state)
{
    struct fixture *f = start(state, endless);
    f->cancel = true;
    assert_int_equal(get_file(f, f->digest, -1, INT64_MAX), -ECANCELED);
    stop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(test_get_tells_what_the_server_said),
        cmocka_folder_test(test_get_has_a_limit),
        cmocka_folder_test(test_headers_have_a_limit),
        cmocka_folder_test(test_head_has_no_body),
        cmocka_folder_test(test_other_statuses_are_the_callers),
        cmocka_folder_test(test_5xx_is_tried_again),
        cmocka_folder_test(test_5xx_that_stays_is_told),
        cmocka_folder_test(test_retry_after_is_obeyed),
        cmocka_folder_test(test_long_retry_after_ends_it),
        cmocka_folder_test(test_waiting_can_be_cancelled),
        cmocka_folder_test(test_stalled_server_is_left),
        cmocka_folder_test(test_no_http_is_refused),
        cmocka_folder_test(test_nobody_listens),
        cmocka_folder_test(test_schemes),
        cmocka_folder_test(test_plain_http_has_to_be_allowed),
        cmocka_folder_test(test_redirects_stay_with_http),
        cmocka_folder_test(test_redirects_keep_authorization_at_home),
        cmocka_folder_test(test_redirects_do_not_take_authorization_along),
        cmocka_folder_test(test_redirect_loop),
        cmocka_folder_test(test_file),
        cmocka_folder_test(test_file_without_digest_and_size),
        cmocka_folder_test(test_file_resumes_within_the_retries),
        cmocka_folder_test(test_file_resumes_an_earlier_try),
        cmocka_folder_test(test_file_was_whole_but_for_its_name),
        cmocka_folder_test(test_bad_earlier_try_is_made_anew),
        cmocka_folder_test(test_part_that_is_too_long_is_dropped),
        cmocka_folder_test(test_part_that_the_server_does_not_know),
        cmocka_folder_test(test_server_that_ignores_ranges),
        cmocka_folder_test(test_server_that_never_comes_further),
        cmocka_folder_test(test_server_that_lies_about_ranges),
        cmocka_folder_test(test_part_that_nobody_asked_for),
        cmocka_folder_test(test_wrong_content),
        cmocka_folder_test(test_wrong_length),
        cmocka_folder_test(test_endless_body),
        cmocka_folder_test(test_announced_too_much),
        cmocka_folder_test(test_file_status),
        cmocka_folder_test(test_empty_file),
        cmocka_folder_test(test_part_is_no_symlink),
        cmocka_folder_test(test_download_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
