#include "images/fetch.h"

#include "images/exchange.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#define CONNECT_TIMEOUT_S 20L
#define STALL_BYTES_S 1024L
#define DROPPED_MAX (64 * 1024) /* of a redirect's body: not read further */
#define USER_AGENT "bigtop-bootstrap"

struct fetcher {
    struct fetch_settings settings;
    CURL *curl;
    bool succeeded;
};

/* One hop: a request to one URL. */
struct hop {
    struct fetcher *fetcher;
    const struct exchange *exchange;
    struct exchange_answer *answer;
    struct error *err;
    size_t header_bytes, dropped;
    bool begun; /* the first byte of the body was seen */
    bool has_location, redirects;
    int result; /* negative: why we ended the transfer */
};

static void init_library(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
}

struct fetcher *fetcher_new(const struct fetch_settings *settings)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_library);
    struct fetcher *f = xcalloc(1, sizeof(*f));
    f->settings = *settings;
    f->curl = curl_easy_init();
    if (!f->curl)
        abort();
    return f;
}

void fetcher_free(struct fetcher **f)
{
    if (*f) {
        curl_easy_cleanup((*f)->curl);
        free(*f);
    }
    *f = NULL;
}

const struct fetch_settings *fetcher_settings(const struct fetcher *f)
{
    return &f->settings;
}

bool fetcher_has_succeeded(const struct fetcher *f)
{
    return f->succeeded;
}

void fetch_response_release(struct fetch_response *r)
{
    free(r->type);
    free(r->challenge);
    free(r->digest);
    free(r->url);
    *r = (struct fetch_response){0};
}

/* URLs */

static void curl_url_release(CURLU **u)
{
    curl_url_cleanup(*u);
}
#define AUTO_URL CLEANUP(curl_url_release) CURLU

/* A part, or "" when the URL has none. */
static char *url_part(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    char *copy = xstrdup(curl_url_get(u, part, &text, 0) == CURLUE_OK ? text : "");
    curl_free(text);
    return copy;
}

static CURLU *url_parse(const char *url)
{
    CURLU *u = curl_url();
    if (!u)
        abort();
    if (curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
        return u;
    curl_url_cleanup(u);
    return NULL;
}

char *fetch_shown_url(const char *url)
{
    AUTO_URL *u = url_parse(url);
    STRBUF(shown, 1024);
    if (!u) {
        strbuf_adds(&shown, "a URL that cannot be read");
        return strbuf_steal(&shown);
    }
    AUTO_FREE char *scheme = url_part(u, CURLUPART_SCHEME);
    AUTO_FREE char *host = url_part(u, CURLUPART_HOST);
    AUTO_FREE char *port = url_part(u, CURLUPART_PORT);
    AUTO_FREE char *path = url_part(u, CURLUPART_PATH);
    AUTO_FREE char *text = xasprintf("%s://%s%s%s%s", scheme, host, *port ? ":" : "", port, path);
    strbuf_add_printable(&shown, text, strlen(text));
    return strbuf_steal(&shown);
}

/* "scheme://host:port", the default port filled in. */
static char *url_origin(CURLU *u)
{
    AUTO_FREE char *scheme = url_part(u, CURLUPART_SCHEME);
    AUTO_FREE char *host = url_part(u, CURLUPART_HOST);
    char *port = NULL;
    char *origin = xasprintf(
        "%s://%s:%s", scheme, host,
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK ? port : "");
    curl_free(port);
    return origin;
}

/* The origin of a URL that may be asked; NULL with err set: it may not (-EPROTONOSUPPORT). from:
 * the URL that redirected here, or NULL. */
static char *allowed_origin(const struct fetcher *f, const char *url, CURLU *from,
                            struct error *err)
{
    AUTO_URL *u = url_parse(url);
    AUTO_FREE char *shown = fetch_shown_url(url);
    if (!u) {
        (void) error_set(err, -EPROTONOSUPPORT, "%s", shown);
        return NULL;
    }
    AUTO_FREE char *scheme = url_part(u, CURLUPART_SCHEME);
    AUTO_FREE char *user = url_part(u, CURLUPART_USER);
    AUTO_FREE char *from_scheme = from ? url_part(from, CURLUPART_SCHEME) : xstrdup("");
    bool is_http = strcmp(scheme, "http") == 0;
    const char *why = NULL;
    if (!is_http && strcmp(scheme, "https") != 0)
        why = "is not https";
    else if (*user)
        why = "has a user name in it";
    else if (is_http && (strcmp(from_scheme, "https") == 0 || !f->settings.insecure_http))
        why = "is plain http, which is not allowed here";
    if (!why)
        return url_origin(u);
    (void) error_set(err, -EPROTONOSUPPORT, "%s %s", shown, why);
    return NULL;
}

/* Headers */

static char *trimmed(const char *value, size_t len)
{
    while (len && strchr(" \t\r\n", value[len - 1]))
        len--;
    while (len && strchr(" \t", *value)) {
        value++;
        len--;
    }
    return xstrndup(value, len);
}

/* "bytes 100-199/200" or "bytes 100-199/" and an asterisk */
static void parse_range(const char *text, struct exchange_answer *a)
{
    char *end;
    if (strncasecmp(text, "bytes ", 6) != 0 || text[6] < '0' || text[6] > '9')
        return;
    errno = 0;
    long long start = strtoll(text + 6, &end, 10);
    if (errno || *end != '-')
        return;
    a->range_start = start;
    const char *total = strchr(end, '/');
    if (total && total[1] >= '0' && total[1] <= '9')
        a->range_total = strtoll(total + 1, NULL, 10);
}

static void add_challenge(struct fetch_response *r, char *value)
{
    if (!r->challenge) {
        r->challenge = value;
        return;
    }
    char *joined = xasprintf("%s, %s", r->challenge, value);
    free(value);
    free(r->challenge);
    r->challenge = joined;
}

static void set_text(char **where, char *value)
{
    free(*where);
    *where = value;
}

static void take_header(struct hop *h, const char *line, size_t len)
{
    struct fetch_response *r = h->answer->response;
    const char *colon = memchr(line, ':', len);
    if (!colon)
        return;
    AUTO_FREE char *name = xstrndup(line, (size_t) (colon - line));
    AUTO_FREE char *value = trimmed(colon + 1, len - (size_t) (colon + 1 - line));
    if (strcasecmp(name, "www-authenticate") == 0)
        add_challenge(r, TAKE_PTR(value));
    else if (strcasecmp(name, "docker-content-digest") == 0)
        set_text(&r->digest, TAKE_PTR(value));
    else if (strcasecmp(name, "content-type") == 0)
        set_text(&r->type, trimmed(value, strcspn(value, ";")));
    else if (strcasecmp(name, "content-range") == 0)
        parse_range(value, h->answer);
    else if (strcasecmp(name, "location") == 0)
        h->has_location = true;
}

static void answer_reset(struct exchange_answer *a)
{
    fetch_response_release(a->response);
    a->length = a->range_start = a->range_total = -1;
}

static size_t on_header(char *data, size_t size, size_t count, void *userdata)
{
    struct hop *h = userdata;
    size_t len = size * count;
    h->header_bytes += len;
    if (h->header_bytes > EXCHANGE_HEADERS_MAX) {
        h->result = error_set(h->err, -EFBIG, "more than %d bytes of headers",
                              EXCHANGE_HEADERS_MAX);
        return 0;
    }
    if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
        answer_reset(h->answer);
    else
        take_header(h, data, len);
    return len;
}

/* Body */

static bool is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void complete_answer(struct hop *h)
{
    CURL *curl = h->fetcher->curl;
    struct fetch_response *r = h->answer->response;
    char *url = NULL;
    curl_off_t length = -1, wait = 0;
    if (h->begun)
        return;
    h->begun = true;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &r->status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait);
    curl_easy_getinfo(curl, CURLINFO_EFFECTIVE_URL, &url);
    h->answer->length = length;
    r->retry_after = (long) wait;
    set_text(&r->url, xstrdup(url));
    h->redirects = h->has_location && is_redirect(r->status);
}

static size_t on_body(char *data, size_t size, size_t count, void *userdata)
{
    struct hop *h = userdata;
    size_t len = size * count;
    complete_answer(h);
    if (h->redirects) {
        h->dropped += len;
        return h->dropped > DROPPED_MAX ? 0 : len;
    }
    h->result = h->exchange->body(h->exchange->userdata, h->answer, data, len, h->err);
    return h->result < 0 ? 0 : len;
}

static int on_progress(void *userdata, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void) a;
    (void) b;
    (void) c;
    (void) d;
    const struct hop *h = userdata;
    return h->fetcher->settings.cancel && *h->fetcher->settings.cancel;
}

/* Transport */

static int error_code(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return -EHOSTUNREACH;
    case CURLE_COULDNT_CONNECT:
        return -ECONNREFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
        return -EKEYREJECTED;
    case CURLE_ABORTED_BY_CALLBACK:
        return -ECANCELED;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR:
        return -ECONNRESET;
    default:
        return -EPROTO;
    }
}

static int transport_error(const struct hop *h, CURLcode code, const char *url, const char *text)
{
    AUTO_FREE char *shown = fetch_shown_url(url);
    int r = error_code(code);
    if (r == -ECANCELED)
        return error_set(h->err, r, "interrupted");
    STRBUF(safe, 512);
    const char *cause = *text ? text : curl_easy_strerror(code);
    strbuf_add_printable(&safe, cause, strlen(cause));
    error_set(h->err, r, "%s: %s", shown, safe.data);
    if (r == -EKEYREJECTED)
        return error_remedy(h->err, "is the server's certificate by a CA that this machine knows?");
    return error_remedy(h->err, "is the host reachable from here? https_proxy and no_proxy are "
                                "obeyed");
}

static int hop_result(struct hop *h, CURLcode code, const char *url, const char *text)
{
    if (h->result < 0) {
        AUTO_FREE char *shown = fetch_shown_url(url);
        return error_prefix(h->err, "%s", shown), h->result;
    }
    if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && h->redirects))
        return transport_error(h, code, url, text);
    complete_answer(h);
    h->fetcher->succeeded = true;
    return 0;
}

static void set_options(struct hop *h, const char *url, const struct curl_slist *headers)
{
    CURL *curl = h->fetcher->curl;
    const struct fetch_settings *s = &h->fetcher->settings;
    curl_easy_reset(curl); /* keeps the connections */
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, s->insecure_http ? "http,https" : "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOBODY, h->exchange->request->head ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, USER_AGENT);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                     (long) (s->stall_seconds ? s->stall_seconds : FETCH_STALL_S));
    curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t) 0);
    const char *ca_file = s->ca_file ? s->ca_file : getenv("SSL_CERT_FILE");
    if (ca_file) /* the system's folder of certificates (CURLOPT_CAPATH) stays */
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, h);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, h);
}

static void add_header(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        abort();
    *list = longer;
}

static struct curl_slist *header_list(const struct exchange *x, bool with_authorization)
{
    struct curl_slist *list = NULL;
    const struct strv *headers = x->request->headers;
    for (size_t i = 0; headers && i < headers->count; i++)
        if (with_authorization || strncasecmp(headers->items[i], "authorization:", 14) != 0)
            add_header(&list, headers->items[i]);
    if (x->offset > 0) {
        AUTO_FREE char *range = xasprintf("Range: bytes=%lld-", (long long) x->offset);
        add_header(&list, range);
    }
    return list;
}

static int run_hop(struct hop *h, const char *url, bool with_authorization)
{
    char text[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = header_list(h->exchange, with_authorization);
    set_options(h, url, headers);
    curl_easy_setopt(h->fetcher->curl, CURLOPT_ERRORBUFFER, text);
    CURLcode code = curl_easy_perform(h->fetcher->curl);
    int r = hop_result(h, code, url, text);
    curl_easy_setopt(h->fetcher->curl, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(h->fetcher->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return r;
}

/* Where the answer just got redirects to; NULL: nowhere. */
static char *next_url(const struct hop *h)
{
    char *url = NULL;
    if (h->redirects)
        curl_easy_getinfo(h->fetcher->curl, CURLINFO_REDIRECT_URL, &url);
    return url ? xstrdup(url) : NULL;
}

int exchange_run(struct fetcher *f, const struct exchange *x, struct exchange_answer *answer,
                 struct error *err)
{
    AUTO_FREE char *url = xstrdup(x->request->url);
    AUTO_FREE char *first_origin = allowed_origin(f, url, NULL, err);
    if (!first_origin)
        return -EPROTONOSUPPORT;
    bool with_authorization = true;
    for (int i = 0; i <= EXCHANGE_REDIRECTS_MAX; i++) {
        struct hop hop = {.fetcher = f, .exchange = x, .answer = answer, .err = err};
        answer_reset(answer);
        int r = run_hop(&hop, url, with_authorization);
        AUTO_FREE char *next = r < 0 ? NULL : next_url(&hop);
        if (!next)
            return r;
        AUTO_URL *from = url_parse(url);
        AUTO_FREE char *shown = fetch_shown_url(url);
        AUTO_FREE char *origin = allowed_origin(f, next, from, err);
        if (!origin) {
            (void) error_prefix(err, "%s redirects", shown);
            return -EPROTONOSUPPORT;
        }
        with_authorization = with_authorization && strcmp(origin, first_origin) == 0;
        free(url);
        url = TAKE_PTR(next);
    }
    AUTO_FREE char *shown = fetch_shown_url(x->request->url);
    return error_set(err, -ELOOP, "%s: more than %d redirects", shown, EXCHANGE_REDIRECTS_MAX);
}
