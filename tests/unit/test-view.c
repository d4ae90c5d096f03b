#include "coordinator/view.h"

#include "coordinator/view-backend.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/json.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/soon.h"

#define HOSTILE "\033[2J\033]0;owned\a\xff\n"
#define HOSTILE_SHOWN "\\x1b[2J\\x1b]0;owned\\x07\\xff\\x0a"

static struct host hosts[] = {
    {.name = (char *) "n1", .address = (char *) "10.0.0.11"},
    {.address = (char *) "10.0.0.12"},
};
static const struct inventory inventory = {.hosts = hosts, .host_count = ARRAY_SIZE(hosts)};

/* stdout and stderr of what runs in between, each in a file of its own. */
struct capture {
    int saved[2], files[2];
    struct strbuf text[2];
};

static void capture_start(struct capture *c)
{
    (void) fflush(NULL);
    for (int i = 0; i < 2; i++) {
        c->saved[i] = dup(i + 1);
        c->files[i] = memfd_create("capture", MFD_CLOEXEC);
        assert_true(c->files[i] >= 0 && dup2(c->files[i], i + 1) >= 0);
        strbuf_init(&c->text[i], 1024 * 1024);
    }
}

static void capture_end(struct capture *c)
{
    (void) fflush(NULL);
    for (int i = 0; i < 2; i++) {
        dup2(c->saved[i], i + 1);
        close(c->saved[i]);
        assert_int_equal(lseek(c->files[i], 0, SEEK_SET), 0);
        assert_int_equal(fd_read_to_end(c->files[i], &c->text[i]), 0);
        close(c->files[i]);
    }
}

static void capture_release(struct capture *c)
{
    strbuf_release(&c->text[0]);
    strbuf_release(&c->text[1]);
}

static void show_everything(struct view *v)
{
    struct error err = {
        .code = -EIO, .text = "line one\nline two " HOSTILE, .remedy = "switch it on"};
    view_host(v, 0, VIEW_WORKING, "connect", "", 0, 0);
    view_host(v, 0, VIEW_WORKING, "transfer", HOSTILE, 12 * 1024 * 1024, 31 * 1024 * 1024);
    view_host(v, 0, VIEW_WORKING, "transfer", "too soon for another line", 13, 31);
    view_host(v, 1, VIEW_WAITING, "join", "for n1", 0, 0);
    view_host(v, 99, VIEW_FAILED, "no", "such host", 0, 0);
    view_note(v, &hosts[0], "swap is %s", "off");
    view_warn(v, NULL, "policies: %s", HOSTILE);
    view_host(v, 0, VIEW_FAILED, "init", "line one", 0, 0);
    view_error(v, &hosts[0], "init", &err);
    view_host(v, 1, VIEW_DONE, "done", "", 0, 0);
    view_phase(v, &hosts[0], "connect", 1234);
    view_phase(v, &hosts[1], "connect", 56);
    view_phase(v, &hosts[0], "connect", 1000);
    view_phase(v, NULL, "addons", 60000);
    view_summary(v, "1 of %d failed", 2);
}

static void test_plain(void **state)
{
    (void) state;
    struct capture c;
    capture_start(&c);
    struct view *v = view_open(VIEW_PLAIN, &inventory);
    show_everything(v);
    view_close(&v);
    capture_end(&c);
    assert_null(v);
    assert_string_equal(c.text[0].data, "n1         connect\n"
                                        "n1         transfer    " HOSTILE_SHOWN " 12/31 MiB\n"
                                        "10.0.0.12  waiting     for n1\n"
                                        "n1: swap is off\n"
                                        "warning: policies: " HOSTILE_SHOWN "\n"
                                        "n1         failed      init: line one\n"
                                        "10.0.0.12  done\n"
                                        "phase            n1   10.0.0.12     cluster\n"
                                        "connect       2.2 s       0.0 s\n"
                                        "addons                               60.0 s\n"
                                        "1 of 2 failed\n");
    assert_string_equal(c.text[1].data, "n1: init failed: line one\n"
                                        "    line two \\x1b[2J\\x1b]0;owned\\x07\\xff\n"
                                        "  remedy: switch it on\n");
    capture_release(&c);
}

static void test_plain_says_a_thing_once(void **state)
{
    (void) state;
    struct capture c;
    capture_start(&c);
    struct view *v = view_open(VIEW_PLAIN, &inventory);
    view_host(v, 0, VIEW_WORKING, "settle", "pod a", 0, 0);
    v->lines[0].printed_ms = 0; /* as if time had gone by */
    view_host(v, 0, VIEW_WORKING, "settle", "pod a", 0, 0);
    v->lines[0].printed_ms = 0;
    view_host(v, 0, VIEW_WORKING, "settle", "pod b", 0, 0);
    v->lines[0].printed_ms = 0;
    v->lines[0].said_ms -= 60000;
    view_host(v, 0, VIEW_WORKING, "settle", "pod b", 0, 0);
    view_close(&v);
    capture_end(&c);
    assert_string_equal(c.text[0].data, "n1         settle      pod a\n"
                                        "n1         settle      pod b\n"
                                        "n1         settle      pod b\n");
    capture_release(&c);
}

/* Not a terminal: neither auto nor live writes an escape. */
static void test_auto_on_a_pipe_is_plain(void **state)
{
    (void) state;
    static const enum view_mode modes[] = {VIEW_AUTO, VIEW_LIVE};
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        struct capture c;
        capture_start(&c);
        struct view *v = view_open(modes[i], &inventory);
        show_everything(v);
        view_close(&v);
        capture_end(&c);
        assert_null(strchr(c.text[0].data, '\033'));
        assert_int_equal(strncmp(c.text[0].data, "n1         connect\n", 19), 0);
        capture_release(&c);
    }
}

static json_t *next_event(char **text)
{
    char *end = strchr(*text, '\n');
    assert_non_null(end);
    struct error err = ERROR_INIT;
    json_t *event = json_parse(*text, (size_t) (end - *text), "event", &err);
    if (!event)
        fail_msg("%s", err.text);
    assert_non_null(json_get_string(event, "time", NULL));
    *text = end + 1;
    return event;
}

static void test_transfer(void **state)
{
    (void) state;
    struct capture c;
    capture_start(&c);
    struct view *v = view_open(VIEW_JSON, &inventory);
    view_transfer(v, 123, 456);
    view_close(&v);
    v = view_open(VIEW_PLAIN, &inventory);
    view_transfer(v, 3 * 1024 * 1024, 12 * 1024 * 1024);
    view_close(&v);
    capture_end(&c);
    char *text = c.text[0].data;
    AUTO_JSON *event = next_event(&text);
    assert_string_equal(json_get_string(event, "event", ""), "transfer");
    assert_int_equal(json_get_int(event, "sent", 0), 123);
    assert_int_equal(json_get_int(event, "wanted", 0), 456);
    assert_string_equal(text, "3.0 MiB left this machine, of a bundle of 12.0 MiB (0.25 of it)\n");
    capture_release(&c);
}

static void test_json(void **state)
{
    (void) state;
    static const char *const expected[] = {"host",  "host",  "host",   "note",  "warning",
                                           "host",  "error", "host",   "phase", "phase",
                                           "phase", "phase", "summary"};
    struct capture c;
    capture_start(&c);
    struct view *v = view_open(VIEW_JSON, &inventory);
    show_everything(v);
    view_close(&v);
    capture_end(&c);
    assert_int_equal(c.text[1].len, 0);
    char *text = c.text[0].data;
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        AUTO_JSON *event = next_event(&text);
        assert_string_equal(json_get_string(event, "event", ""), expected[i]);
        if (i == 1) {
            assert_string_equal(json_get_string(event, "host", ""), "n1");
            assert_string_equal(json_get_string(event, "state", ""), "working");
            assert_string_equal(json_get_string(event, "phase", ""), "transfer");
            assert_string_equal(json_get_string(event, "text", ""), HOSTILE_SHOWN);
            assert_int_equal(json_get_int(event, "done", 0), 12 * 1024 * 1024);
            assert_int_equal(json_get_int(event, "total", 0), 31 * 1024 * 1024);
        }
        if (i == 4)
            assert_null(json_object_get(event, "host"));
        if (i == 6) {
            assert_int_equal(json_get_int(event, "code", 0), -EIO);
            assert_string_equal(json_get_string(event, "step", ""), "init");
            assert_string_equal(json_get_string(event, "remedy", ""), "switch it on");
            assert_null(strchr(json_get_string(event, "text", ""), '\033'));
        }
        if (i == 8)
            assert_int_equal(json_get_int(event, "ms", 0), 1234);
    }
    assert_string_equal(text, "");
    capture_release(&c);
}

/* 200 updates of one host within a moment are one line. */
static void test_plain_is_throttled(void **state)
{
    (void) state;
    struct capture c;
    capture_start(&c);
    struct view *v = view_open(VIEW_PLAIN, &inventory);
    for (int i = 0; i < 200; i++)
        view_host(v, 0, VIEW_WORKING, "transfer", "kubelet", i, 200);
    view_close(&v);
    capture_end(&c);
    assert_string_equal(c.text[0].data, "n1         transfer    kubelet 0/200\n");
    capture_release(&c);
}

/* What all of them do in one line, and each that fails. */
static void test_plain_of_many(void **state)
{
    (void) state;
    enum { COUNT = 30, MIB = 1024 * 1024 };
    struct host many[COUNT] = {0};
    const struct inventory inv = {.hosts = many, .host_count = COUNT};
    struct capture c;
    for (size_t i = 0; i < COUNT; i++)
        many[i].address = (char *) "host";
    capture_start(&c);
    struct view *v = view_open(VIEW_PLAIN, &inv);
    for (size_t i = 0; i < COUNT; i++)
        v->lines[i].state = i < 10 ? VIEW_DONE : VIEW_WAITING;
    memcpy(v->lines[28].phase, "connect", sizeof("connect"));
    v->lines[28].state = VIEW_WORKING;
    v->lines[28].total = 7; /* no bytes */
    view_host(v, 29, VIEW_WORKING, "stage", "fetching", 3 * MIB, 20 * MIB);
    for (size_t i = 0; i < COUNT; i++)
        view_host(v, i, VIEW_WORKING, "too soon", "", 0, 0);
    view_host(v, 3, VIEW_FAILED, "stage", "no room", 0, 0);
    view_host(v, 3, VIEW_FAILED, "stage", "no room", 0, 0);
    view_close(&v);
    capture_end(&c);
    assert_string_equal(c.text[0].data, "30 hosts: 10 done, 2 working, 18 waiting"
                                        "  (connect 1, stage 1)  3/20 MiB\n"
                                        "host  failed      stage: no room\n");
    capture_release(&c);
}

static void test_without_hosts(void **state)
{
    (void) state;
    struct capture c;
    capture_start(&c);
    struct view *v = view_open(VIEW_PLAIN, NULL);
    view_host(v, 0, VIEW_WORKING, "x", "y", 0, 0);
    view_note(v, NULL, "built");
    view_close(&v);
    view_close(&v);
    capture_end(&c);
    assert_string_equal(c.text[0].data, "built\n");
    capture_release(&c);
}

static void test_amounts(void **state)
{
    (void) state;
    static const struct {
        int64_t done, total;
        const char *text;
    } cases[] = {
        {0, 0, ""},
        {5, -1, ""},
        {3, 7, "3/7"},
        {0, VIEW_BYTES_FROM - 1, "0/65535"},
        {0, VIEW_BYTES_FROM, "0/64 KiB"},
        {1536 * 1024, 2 * 1024 * 1024, "1.5/2.0 MiB"},
        {INT64_C(1) << 30, INT64_C(3) << 30, "1.0/3.0 GiB"},
        {0, INT64_C(1) << 60, "0/1048576 TiB"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        STRBUF(out, 64);
        view_amount(&out, cases[i].done, cases[i].total);
        assert_string_equal(out.data, cases[i].text);
    }
}

/* A view to render, without a terminal. */
static struct view still(struct view_line *lines, size_t count)
{
    return (struct view){
        .what = "host", .lines = lines, .count = count, .label_width = 3, .started_ms = 1000};
}

static size_t columns_of(const char *line)
{
    size_t columns = 0;
    for (; *line && *line != '\n'; line++)
        columns += ((unsigned char) *line & 0xc0) != 0x80;
    return columns;
}

static void test_render(void **state)
{
    (void) state;
    struct view_line lines[] = {
        {"n1", VIEW_WORKING, "transfer", "containerd", 50, 100, 61000, 0, NULL, 0},
        {"n2", VIEW_DONE, "done", "", 0, 0, 0, 0, NULL, 0},
        {"n3", VIEW_FAILED, "connect", "timed out", 0, 0, 0, 0, NULL, 0},
        {"n4", VIEW_WAITING, "join", "for n1", 0, 0, 0, 0, NULL, 0},
    };
    struct view v = still(lines, ARRAY_SIZE(lines));
    STRBUF(out, 65536);
    size_t drawn = view_live_render(&v, (struct view_size){24, 80}, 3662000, &out);
    assert_int_equal(drawn, 5);
    assert_string_equal(out.data,
                        "n1   | transfer    ########--------  50 %  containerd  50/100  1:00:01\n"
                        "n2   + done\n"
                        "n3   x connect     timed out\n"
                        "n4   . join        for n1\n"
                        "4 hosts: 1 done, 1 working, 1 waiting, 1 failed  1:01:01\n");
}

static void test_render_never_wraps(void **state)
{
    (void) state;
    struct view_line line = {.label = "a-very-long-name-of-a-host",
                             .state = VIEW_WORKING,
                             .total = 1 << 30,
                             .done = 1 << 29};
    memset(line.phase, 'p', sizeof(line.phase) - 1);
    for (size_t i = 0; i + 2 < sizeof(line.text); i += 2)
        memcpy(line.text + i, "ü", 2);
    struct view v = still(&line, 1);
    v.utf8 = true;
    for (size_t columns = 2; columns < 200; columns++) {
        STRBUF(out, 65536);
        size_t drawn = view_live_render(&v, (struct view_size){10, columns}, 5000, &out);
        assert_int_equal(drawn, 2);
        const char *second = strchr(out.data, '\n') + 1;
        assert_true(columns_of(out.data) < columns);
        assert_true(columns_of(second) < columns);
    }
}

/* More hosts than rows: what failed and what works first, the rest in numbers, never a row more. */
static void test_render_aggregates(void **state)
{
    (void) state;
    struct view_line lines[100] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        lines[i].label = "n";
        lines[i].state = i < 60   ? VIEW_DONE
                         : i < 90 ? VIEW_WAITING
                         : i < 98 ? VIEW_WORKING
                                  : VIEW_FAILED;
    }
    struct view v = still(lines, ARRAY_SIZE(lines));
    for (size_t rows = 1; rows < 110; rows++) {
        STRBUF(out, 1024 * 1024);
        size_t drawn = view_live_render(&v, (struct view_size){rows, 80}, 5000, &out);
        size_t newlines = 0;
        for (const char *c = out.data; *c; c++)
            newlines += *c == '\n';
        assert_int_equal(newlines, drawn);
        assert_true(drawn < rows || rows < 3);
    }
    STRBUF(out, 65536);
    view_live_render(&v, (struct view_size){8, 80}, 5000, &out);
    assert_int_equal(strncmp(out.data, "n    x", 6), 0);
    assert_non_null(strstr(out.data, "... and 95 more: 60 done, 5 working, 30 waiting\n"));
    assert_non_null(
        strstr(out.data, "100 hosts: 60 done, 8 working, 30 waiting, 2 failed  0:04\n"));
}

/* A terminal, its screen read by a thread so that no write ever waits. */
struct terminal {
    int master, saved_out;
    pthread_t reader;
    struct strbuf text;
};

static void *read_terminal(void *userdata)
{
    struct terminal *t = userdata;
    char data[4096];
    for (;;) {
        ssize_t n = read(t->master, data, sizeof(data));
        if (n <= 0)
            return NULL;
        strbuf_add(&t->text, data, (size_t) n);
    }
}

static void terminal_start(struct terminal *t, unsigned short columns)
{
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    (void) fflush(stdout);
    t->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(t->master >= 0 && grantpt(t->master) == 0 && unlockpt(t->master) == 0);
    int slave = open(ptsname(t->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(slave >= 0);
    assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
    t->saved_out = dup(STDOUT_FILENO);
    dup2(slave, STDOUT_FILENO);
    close(slave);
    strbuf_init(&t->text, 1024 * 1024);
}

static void terminal_read(struct terminal *t)
{
    assert_int_equal(pthread_create(&t->reader, NULL, read_terminal, t), 0);
}

static void terminal_end(struct terminal *t)
{
    (void) fflush(stdout);
    dup2(t->saved_out, STDOUT_FILENO); /* closes the last slave: the reader ends with EIO */
    close(t->saved_out);
    pthread_join(t->reader, NULL);
    close(t->master);
}

static void test_live(void **state)
{
    (void) state;
    struct terminal t;
    setenv("TERM", "xterm", 1);
    setenv("NO_COLOR", "1", 1);
    setenv("LC_ALL", "C", 1);
    terminal_start(&t, 80);
    terminal_read(&t);
    struct view *v = view_open(VIEW_AUTO, &inventory);
    int64_t start = clock_monotonic_ms();
    for (int i = 0; i < 50; i++) {
        view_host(v, 0, VIEW_WORKING, "transfer", HOSTILE, i, 50);
        usleep(10000);
    }
    view_note(v, &hosts[0], "swap is off");
    view_summary(v, "all is well");
    view_close(&v);
    int64_t took = clock_monotonic_ms() - start;
    terminal_end(&t);
    const char *text = t.text.data;
    assert_int_equal(strncmp(text, "\033[?25l\033[?7l", 11), 0);
    assert_non_null(strstr(text, "n1         | transfer"));
    assert_non_null(strstr(text, "\\x1b[2J"));
    assert_null(strstr(text, "\033[2J"));
    assert_null(strstr(text, "\033[36m")); /* NO_COLOR */
    const char *note = strstr(text, "n1: swap is off\r\n");
    assert_non_null(note);
    assert_null(strstr(note + 1, "n1: swap is off")); /* printed once, and it stays */
    assert_non_null(strstr(note, "all is well\r\n"));
    assert_string_equal(text + t.text.len - 11, "\033[?7h\033[?25h");
    int64_t frames = 0;
    for (const char *c = text; (c = strstr(c, "\033[J")); c++)
        frames++;
    assert_in_range(frames, 3, took / 100 + 4);
    strbuf_release(&t.text);
}

/* A question gets a terminal of its own: no frame until it is answered. */
static void test_live_pauses(void **state)
{
    (void) state;
    struct terminal t;
    setenv("TERM", "xterm", 1);
    terminal_start(&t, 80);
    terminal_read(&t);
    struct view *v = view_open(VIEW_LIVE, &inventory);
    view_host(v, 0, VIEW_WORKING, "connect", "", 0, 0);
    usleep(250000);
    view_pause();
    (void) fd_write_all(STDOUT_FILENO, "QUESTION", 8);
    view_note(v, NULL, "meanwhile");
    usleep(350000);
    (void) fd_write_all(STDOUT_FILENO, "ANSWER", 6);
    view_resume();
    view_close(&v);
    terminal_end(&t);
    assert_non_null(strstr(t.text.data, "\033[J\033[?7h\033[?25hQUESTIONANSWER"));
    assert_non_null(strstr(strstr(t.text.data, "ANSWER"), "meanwhile"));
    strbuf_release(&t.text);
    view_pause();
    view_resume();
}

/* Ctrl-S: what is written waits, but no host does. */
static void test_live_does_not_block_hosts(void **state)
{
    (void) state;
    struct terminal t;
    char page[3000];
    memset(page, 'x', sizeof(page) - 1);
    page[sizeof(page) - 1] = '\0';
    setenv("TERM", "xterm", 1);
    terminal_start(&t, 80);
    struct view *v = view_open(VIEW_LIVE, &inventory);
    for (int i = 0; i < 40; i++)
        view_note(v, NULL, "%s", page);
    usleep(300000); /* the drawing thread is stuck in its write now */
    int64_t start = clock_monotonic_ms();
    for (int i = 0; i < 1000; i++)
        view_host(v, 0, VIEW_WORKING, "transfer", "kubelet", i, 1000);
    view_note(v, &hosts[0], "goes on");
    assert_soon(start);
    terminal_read(&t);
    view_close(&v);
    terminal_end(&t);
    assert_non_null(strstr(t.text.data, "n1: goes on"));
    strbuf_release(&t.text);
}

static void assert_plain_on_terminal(unsigned short columns)
{
    struct terminal t;
    terminal_start(&t, columns);
    terminal_read(&t);
    struct view *v = view_open(VIEW_LIVE, &inventory);
    view_host(v, 0, VIEW_WORKING, "connect", "", 0, 0);
    view_close(&v);
    terminal_end(&t);
    assert_string_equal(t.text.data, "n1         connect\r\n");
    strbuf_release(&t.text);
}

static void test_dumb_or_narrow_terminal_is_plain(void **state)
{
    (void) state;
    setenv("TERM", "dumb", 1);
    assert_plain_on_terminal(80);
    setenv("TERM", "xterm", 1);
    assert_plain_on_terminal(39);
    unsetenv("TERM");
    assert_plain_on_terminal(80);
}

static void test_phase_table_of_many(void **state)
{
    (void) state;
    struct view_line lines[20] = {0};
    struct view_phase_time times[21] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        lines[i].label = i == 7 ? "slowpoke" : "n";
        times[i] =
            (struct view_phase_time){.phase = "connect", .host = i, .ms = i == 7 ? 9000 : 100};
    }
    times[20] = (struct view_phase_time){.phase = "addons", .host = SIZE_MAX, .ms = 2000};
    struct view v = still(lines, ARRAY_SIZE(lines));
    v.times = times;
    v.time_count = ARRAY_SIZE(times);
    STRBUF(out, 65536);
    view_phase_table(&v, 80, &out);
    assert_string_equal(out.data, "phase        median     slowest  slowest host\n"
                                  "connect       0.1 s       9.0 s  slowpoke\n"
                                  "addons        2.0 s       2.0 s  cluster\n");
}

static void test_rows_that_are_no_hosts(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct capture c;
    STRV(names);
    strv_add(&names, "kafka");
    strv_add(&names, "zookeeper");
    error_set(&err, -EIO, "no leader");
    capture_start(&c);
    struct view *v = view_open_rows(VIEW_JSON, "component", &names);
    strv_release(&names);
    view_host(v, 1, VIEW_WORKING, "start", "", 1, 3);
    view_row_note(v, 0, "made %s", "it");
    view_row_error(v, 1, "start", &err);
    view_close(&v);
    capture_end(&c);
    static const char *const expected[][2] = {
        {"component", "zookeeper"}, {"note", "kafka"}, {"error", "zookeeper"}};
    char *text = c.text[0].data;
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        AUTO_JSON *event = next_event(&text);
        assert_string_equal(json_get_string(event, "event", ""), expected[i][0]);
        assert_string_equal(json_get_string(event, "component", ""), expected[i][1]);
    }
    capture_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_plain_says_a_thing_once),
        cmocka_unit_test(test_auto_on_a_pipe_is_plain),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_rows_that_are_no_hosts),
        cmocka_unit_test(test_plain_is_throttled),
        cmocka_unit_test(test_plain_of_many),
        cmocka_unit_test(test_without_hosts),
        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_render),
        cmocka_unit_test(test_render_never_wraps),
        cmocka_unit_test(test_render_aggregates),
        cmocka_unit_test(test_live),
        cmocka_unit_test(test_live_pauses),
        cmocka_unit_test(test_live_does_not_block_hosts),
        cmocka_unit_test(test_dumb_or_narrow_terminal_is_plain),
        cmocka_unit_test(test_phase_table_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
