#include "tests/unit/unit.h"

#include "iso/page.h"
#include "lib/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

static int connect_to(const struct iso_page *page)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_port = htons(iso_page_port(page)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *) &at, sizeof(at)), 0);
    return fd;
}

/* What comes until the other end closes. */
static void ask(const struct iso_page *page, const char *request, struct strbuf *answer)
{
    AUTO_FD fd = connect_to(page);
    char buffer[4096];
    ssize_t n;
    strbuf_reset(answer);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t) strlen(request));
    while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
        (void) strbuf_add(answer, buffer, (size_t) n);
}

static struct iso_page *open_page(void)
{
    struct error err = ERROR_INIT;
    struct iso_page *page = NULL;
    if (iso_page_open(0, &page, &err) < 0)
        fail_msg("%s", err.text);
    return page;
}

static void show(struct iso_page *page, const char *text)
{
    iso_page_write(page, text, strlen(text));
}

static void test_what_is_shown(void **state)
{
    (void) state;
    AUTO_ISO_PAGE *page = open_page();
    STRBUF(answer, 1 << 20);
    show(page, "\033[32malpha\033[0m <script>&\n");
    ask(page, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_int_equal(strncmp(answer.data, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_non_null(strstr(answer.data, "alpha &lt;script&gt;&amp;\n"));
    show(page, "\033[H\033[2Jlater\n");
    ask(page, "GET / HTTP/1.0\r\n\r\n", &answer);
    assert_null(strstr(answer.data, "alpha"));
    assert_non_null(strstr(answer.data, "later"));
}

static void test_nothing_else(void **state)
{
    (void) state;
    AUTO_ISO_PAGE *page = open_page();
    STRBUF(answer, 1 << 20);
    show(page, "seen\n");
    static const struct {
        const char *request, *status;
    } others[] = {{"GET /../etc/shadow HTTP/1.1\r\n\r\n", "HTTP/1.1 404"},
                  {"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nyes", "HTTP/1.1 405"},
                  {"yes\r\n\r\n", "HTTP/1.1 405"}};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        ask(page, others[i].request, &answer);
        assert_int_equal(strncmp(answer.data, others[i].status, strlen(others[i].status)), 0);
        assert_null(strstr(answer.data, "seen"));
    }
}

static void test_too_long(void **state)
{
    (void) state;
    AUTO_ISO_PAGE *page = open_page();
    STRBUF(answer, 1 << 20);
    AUTO_FREE char *request = xcalloc(1, 65536);
    memset(request, 'A', 8192);
    AUTO_FD fd = connect_to(page);
    char c;
    (void) send(fd, request, 8192, MSG_NOSIGNAL);
    assert_true(recv(fd, &c, 1, 0) <= 0);
    ask(page, "GET / HTTP/1.1\r\n\r\n", &answer);
    assert_non_null(strstr(answer.data, "200 OK"));
}

/* Whoever says nothing keeps others waiting for a moment, not for ever. */
static void test_silent(void **state)
{
    (void) state;
    AUTO_ISO_PAGE *page = open_page();
    STRBUF(answer, 1 << 20);
    AUTO_FD silent = connect_to(page);
    ask(page, "GET / HTTP/1.1\r\n\r\n", &answer);
    assert_non_null(strstr(answer.data, "200 OK"));
}

static void test_port_taken(void **state)
{
    (void) state;
    AUTO_ISO_PAGE *page = open_page();
    struct iso_page *second = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(iso_page_open(iso_page_port(page), &second, &err), -EADDRINUSE);
    assert_null(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_shown), cmocka_unit_test(test_nothing_else),
        cmocka_unit_test(test_too_long),      cmocka_unit_test(test_silent),
        cmocka_unit_test(test_port_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
