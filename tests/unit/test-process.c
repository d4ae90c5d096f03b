#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/process.h"
#include "tests/unit/unit.h"

#include "tests/unit/soon.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUN(opts, err, ...) process_run((const char *const[]){__VA_ARGS__, NULL}, opts, NULL, err)
#define SH(opts, err, script) RUN(opts, err, "/bin/sh", "-c", script)

static void captures_both_outputs(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    STRBUF(out, 100);
    STRBUF(errors, 100);
    struct process_options o = {.out = &out, .err = &errors};
    assert_int_equal(SH(&o, &err, "echo to out; echo to err >&2"), 0);
    assert_string_equal(out.data, "to out\n");
    assert_string_equal(errors.data, "to err\n");
}

static void merges_outputs_in_order(void **state)
{
    (void) state;
    STRBUF(out, 100);
    struct process_options o = {.out = &out, .merge_stderr = true};
    assert_int_equal(SH(&o, NULL, "echo 1; echo 2 >&2; echo 3"), 0);
    assert_string_equal(out.data, "1\n2\n3\n");
}

static void passes_arguments_as_they_are(void **state)
{
    (void) state;
    STRBUF(out, 200);
    struct process_options o = {.out = &out};
    assert_int_equal(RUN(&o, NULL, "printf", "%s|", "$(id)", "a b", "; rm -rf x", "*", ""), 0);
    assert_string_equal(out.data, "$(id)|a b|; rm -rf x|*||");
}

static void feeds_stdin(void **state)
{
    (void) state;
    size_t len = 300000;
    AUTO_FREE char *data = xcalloc(len, 1);
    memset(data, 'z', len);
    STRBUF(out, 400000);
    struct process_options o = {.out = &out, .stdin_data = data, .stdin_len = len};
    assert_int_equal(RUN(&o, NULL, "cat"), 0);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, data, len);
    assert_int_equal(RUN(&o, NULL, "true"), 0); /* reads nothing: no SIGPIPE for us */
    strbuf_reset(&out);
    o = (struct process_options){.out = &out};
    assert_int_equal(RUN(&o, NULL, "cat"), 0);
    assert_string_equal(out.data, "");
}

static void uses_descriptors_of_the_caller(void **state)
{
    AUTO_FREE char *in = path_join(*state, "in");
    AUTO_FREE char *out = path_join(*state, "out");
    assert_int_equal(file_write_atomic(in, "through", 7, 0600, NULL), 0);
    AUTO_FD from = open(in, O_RDONLY | O_CLOEXEC);
    AUTO_FD to = open(out, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    struct process_options o = {.stdin_fd = from, .stdout_fd = to};
    assert_int_equal(RUN(&o, NULL, "cat"), 0);
    assert_int_equal(file_is(out, "through", 7, 0600), 1);
    assert_true(fcntl(from, F_GETFD) >= 0);
}

static void says_how_it_failed(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    int status = 0;
    const char *const argv[] = {"sh", "-c", "echo out; echo 'first\nno \033[1mroom' >&2; exit 7",
                                NULL};
    assert_int_equal(process_run(argv, NULL, &status, &err), -EREMOTEIO);
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_string_equal(err.text, "sh ended with code 7: first; no \\x1b[1mroom");
    assert_int_equal(SH(NULL, &err, "kill -9 $$"), -EREMOTEIO);
    assert_error_has(err, "killed by signal 9");
}

static void keeps_the_end_of_long_errors(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_int_equal(
        SH(NULL, &err, "i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done; exit 1"),
        -EREMOTEIO);
    assert_error_has(err, "line 1999");
    assert_null(strstr(err.text, "line 1990;"));
}

static void reports_what_cannot_be_run(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_int_equal(RUN(NULL, &err, "no-such-program-here"), -ENOENT);
    assert_error_has(err, "no-such-program-here");
    assert_int_equal(RUN(NULL, &err, "/etc/passwd"), -EACCES);
    assert_int_equal(RUN(NULL, &err, ""), -EINVAL);
    struct process_options o = {.cwd = "/nonexistent"};
    assert_int_equal(RUN(&o, &err, "true"), -ENOENT);
}

static void replaces_the_environment_and_folder(void **state)
{
    STRBUF(out, 1000);
    struct process_options o = {
        .out = &out, .env = (const char *const[]){"ONLY=this", NULL}, .cwd = *state};
    assert_int_equal(RUN(&o, NULL, "env"), 0);
    assert_string_equal(out.data, "ONLY=this\n");
    strbuf_reset(&out);
    assert_int_equal(RUN(&o, NULL, "pwd"), 0);
    strbuf_consume(&out, out.len - strlen(*state) - 1);
    out.data[strlen(*state)] = '\0';
    assert_string_equal(out.data, *state);
}

static void inherits_no_descriptor(void **state)
{
    (void) state;
    STRBUF(out, 1000);
    struct process_options o = {.out = &out};
    int leaked = dup(0);
    int high = fcntl(0, F_DUPFD, 200);
    int r = SH(&o, NULL,
               "n=3; while [ $n -lt 300 ]; do [ -e /proc/$$/fd/$n ] && echo leaked $n; "
               "n=$((n+1)); done; echo end");
    assert_in_range(leaked, 3, 299);
    assert_in_range(high, 200, 299);
    close(leaked);
    close(high);
    assert_int_equal(r, 0);
    assert_string_equal(out.data, "end\n");
}

static void child_has_default_signals(void **state)
{
    (void) state;
    STRBUF(out, 1000);
    struct process_options o = {.out = &out};
    sigset_t block, before;
    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &block, &before);
    signal(SIGPIPE, SIG_IGN);
    int r = RUN(&o, NULL, "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status");
    signal(SIGPIPE, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(r, 0);
    unsigned long long blocked = 1, ignored = 1;
    assert_int_equal(sscanf(out.data, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
    assert_int_equal(blocked, 0);
    /* 32 and 33 are glibc's own: they are as we inherited them. */
    assert_int_equal(ignored & ~(3ULL << 31), 0);
}

static void cuts_output_at_the_maximum(void **state)
{
    (void) state;
    STRBUF(out, 10);
    struct process_options o = {.out = &out};
    assert_int_equal(SH(&o, NULL, "head -c 200000 /dev/zero | tr '\\0' x"), 0);
    assert_string_equal(out.data, "xxxxxxxxxx");
}

struct lines {
    char text[8][64];
    size_t longest, count;
};

static void take_line(void *userdata, bool is_stderr, const char *line)
{
    struct lines *l = userdata;
    size_t len = strlen(line);
    if (len > l->longest)
        l->longest = len;
    if (l->count < ARRAY_SIZE(l->text))
        snprintf(l->text[l->count], sizeof(l->text[0]), "%s%.50s", is_stderr ? "E:" : "", line);
    l->count++;
}

static void hands_out_lines(void **state)
{
    (void) state;
    struct lines l = {0};
    struct process_options o = {.on_line = take_line, .userdata = &l};
    assert_int_equal(
        SH(&o, NULL, "printf 'a\\n\\n'; sleep 0.1; echo e >&2; sleep 0.1; printf half"), 0);
    assert_int_equal(l.count, 4);
    assert_string_equal(l.text[0], "a");
    assert_string_equal(l.text[1], "");
    assert_string_equal(l.text[2], "E:e");
    assert_string_equal(l.text[3], "half");
}

static void cuts_long_lines(void **state)
{
    (void) state;
    struct lines l = {0};
    struct process_options o = {.on_line = take_line, .userdata = &l};
    assert_int_equal(SH(&o, NULL, "head -c 100000 /dev/zero | tr '\\0' x; echo; echo after"), 0);
    assert_int_equal(l.count, 2);
    assert_int_equal(l.longest, 4096);
    assert_string_equal(l.text[1], "after");
}

static void ends_at_the_timeout(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    struct process_options o = {.timeout_ms = 200};
    int64_t start = clock_monotonic_ms();
    assert_int_equal(SH(&o, &err, "echo stuck here >&2; sleep 600"), -ETIMEDOUT);
    assert_later(start, 190);
    assert_soon(start);
    assert_error_has(err, "stuck here");
}

static void slow_line(void *userdata, bool is_stderr, const char *line)
{
    (void) is_stderr, (void) line;
    size_t *count = userdata;
    if (++*count % 100 == 0)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    /* Without an end this would be for ever: the test is to fail, not to hang. */
    if (*count > 2000000)
        abort();
}

/* The pipe is never empty: neither for the deadline nor for what is left behind. */
static void a_timeout_ends_who_writes_without_end(void **state)
{
    (void) state;
    size_t count = 0;
    struct process_options o = {.timeout_ms = 200, .on_line = slow_line, .userdata = &count};
    int64_t start = clock_monotonic_ms();
    assert_int_equal(RUN(&o, NULL, "yes"), -ETIMEDOUT);
    assert_later(start, 190);
    assert_soon(start);
    count = 0;
    start = clock_monotonic_ms();
    assert_int_equal(SH(&o, NULL, "timeout 60 yes & exit 0"), 0);
    assert_soon(start);
}

static void cancel_at_a_line(void *flag, bool is_stderr, const char *line)
{
    (void) is_stderr, (void) line;
    *(bool *) flag = true;
}

static void kills_what_ignores_sigterm(void **state)
{
    (void) state;
    bool cancel = false;
    struct process_options o = {
        .cancel = &cancel, .on_line = cancel_at_a_line, .userdata = &cancel};
    int64_t start = clock_monotonic_ms();
    assert_int_equal(SH(&o, NULL, "trap '' TERM; echo deaf; while :; do sleep 0.2; done"),
                     -ECANCELED);
    assert_later(start, 5000);
    assert_soon(start);
}

static void *cancel_soon(void *flag)
{
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    __atomic_store_n((bool *) flag, true, __ATOMIC_RELAXED);
    return NULL;
}

static void ends_when_cancelled(void **state)
{
    (void) state;
    bool cancel = false;
    pthread_t thread;
    struct error err = ERROR_INIT;
    struct process_options o = {.cancel = &cancel};
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    int64_t start = clock_monotonic_ms();
    assert_int_equal(RUN(&o, &err, "sleep", "600"), -ECANCELED);
    assert_later(start, 90);
    assert_soon(start);
    pthread_join(thread, NULL);
}

static void does_not_wait_for_background_children(void **state)
{
    (void) state;
    STRBUF(out, 100);
    struct process_options o = {.out = &out};
    int64_t start = clock_monotonic_ms();
    assert_int_equal(SH(&o, NULL, "sleep 60 & echo done"), 0);
    assert_soon(start);
    assert_string_equal(out.data, "done\n");
}

static void a_timeout_ends_the_whole_group(void **state)
{
    AUTO_FREE char *file = path_join(*state, "pid");
    AUTO_FREE char *script = xasprintf("sleep 61 & echo $! > %s; wait", file);
    struct process_options o = {.timeout_ms = 500};
    assert_int_equal(SH(&o, NULL, script), -ETIMEDOUT);
    STRBUF(pid, 20);
    assert_int_equal(file_read(file, &pid, NULL), 0);
    AUTO_FREE char *stat_file = xasprintf("/proc/%d/stat", (int) strtol(pid.data, NULL, 10));
    int64_t deadline = clock_monotonic_ms() + SOON_MS;
    bool gone = false;
    while (!gone && clock_left_ms(deadline) > 0) {
        STRBUF(stat, 1000);
        gone = file_read(stat_file, &stat, NULL) < 0 || strstr(stat.data, ") Z ");
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    assert_true(gone);
}

static void finds_programs(void **state)
{
    (void) state;
    assert_true(process_in_path("sh"));
    assert_false(process_in_path("no-such-program-here"));
    assert_false(process_in_path(""));
    assert_false(process_in_path("/bin/sh"));
    AUTO_FREE char *before = xstrdup(getenv("PATH"));
    setenv("PATH", "/nonexistent", 1);
    bool found = process_in_path("chroot"); /* in /usr/sbin */
    setenv("PATH", before, 1);
    assert_true(found);
}

static void runs_vectors(void **state)
{
    (void) state;
    STRV(argv);
    strv_add(&argv, "true");
    assert_int_equal(process_runv(&argv, NULL, NULL, NULL), 0);
    STRV(empty);
    assert_int_equal(process_runv(&empty, NULL, NULL, NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captures_both_outputs),
        cmocka_unit_test(merges_outputs_in_order),
        cmocka_unit_test(passes_arguments_as_they_are),
        cmocka_unit_test(feeds_stdin),
        cmocka_folder_test(uses_descriptors_of_the_caller),
        cmocka_unit_test(says_how_it_failed),
        cmocka_unit_test(keeps_the_end_of_long_errors),
        cmocka_unit_test(reports_what_cannot_be_run),
        cmocka_folder_test(replaces_the_environment_and_folder),
        cmocka_unit_test(inherits_no_descriptor),
        cmocka_unit_test(child_has_default_signals),
        cmocka_unit_test(cuts_output_at_the_maximum),
        cmocka_unit_test(hands_out_lines),
        cmocka_unit_test(cuts_long_lines),
        cmocka_unit_test(ends_at_the_timeout),
        cmocka_unit_test(a_timeout_ends_who_writes_without_end),
        cmocka_unit_test(kills_what_ignores_sigterm),
        cmocka_unit_test(ends_when_cancelled),
        cmocka_unit_test(does_not_wait_for_background_children),
        cmocka_folder_test(a_timeout_ends_the_whole_group),
        cmocka_unit_test(finds_programs),
        cmocka_unit_test(runs_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
