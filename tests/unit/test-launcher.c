#include "images/launcher/launcher.h"

#include "images/launcher/settings.h"
#include "images/launcher/tcp.h"
#include "images/launcher/words.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/strv.h"
#include "tests/unit/unit.h"

#include "tests/unit/soon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool stop;
static char *added[8]; /* words of the command line, for what is executed */

static void write_text(const char *dir, const char *name, const char *text)
{
    AUTO_FREE char *path = path_join(dir, name);
    AUTO_FREE char *folder = path_dirname(path);
    assert_int_equal(path_mkdir_p(folder, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

static void assert_text(const char *dir, const char *name, const char *text)
{
    AUTO_FREE char *path = path_join(dir, name);
    STRBUF(found, 65536);
    assert_int_equal(file_read(path, &found, NULL), 0);
    assert_string_equal(found.data, text);
}

static bool is_there(const char *dir, const char *name)
{
    AUTO_FREE char *path = path_join(dir, name);
    return access(path, F_OK) == 0;
}

/* With "@" for the folder. */
static void write_launch_file(const char *dir, const char *text)
{
    STRBUF(out, 65536);
    for (; *text; text++)
        if (*text == '@')
            strbuf_adds(&out, dir);
        else
            strbuf_addc(&out, *text);
    write_text(dir, "launch.conf", out.data);
}

/* What comes of a launch file that never gets as far as its "exec". */
static int launch_text(const char *dir, const char *text, struct error *err)
{
    AUTO_FREE char *path = path_join(dir, "launch.conf");
    AUTO_FREE char *sys = path_join(dir, "sys");
    const struct launcher l = {.sys = sys, .words = added, .stop = &stop};
    write_launch_file(dir, text);
    return launch(&l, path, err);
}

static void assert_refused(const char *dir, const char *text, const char *part)
{
    struct error err = ERROR_INIT;
    assert_true(launch_text(dir, text, &err) < 0);
    assert_error_has(err, part);
}

/* The exit code of a launch file's program, in a process of its own. */
static int launched(const char *dir, const char *text)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        struct error err = ERROR_INIT;
        int r = launch_text(dir, text, &err);
        fprintf(stderr, "%s\n", err.text);
        _exit(r == 0 ? 0 : 99);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Words */

static void assert_words(const char *line, const char *joined)
{
    STRV(words);
    struct error err = ERROR_INIT;
    if (words_split(line, true, &words, &err) < 0)
        fail_msg("%s: %s", line, err.text);
    AUTO_FREE char *found = strv_join(&words, "|");
    assert_string_equal(found, joined);
}

static void words_are_split_and_expanded(void **state)
{
    (void) state;
    setenv("LT_A", "one two", 1);
    setenv("LT_EMPTY", "", 1);
    setenv("LT.dot-ted", "d", 1);
    unsetenv("LT_UNSET");
    assert_words("  a\tb  c\r", "a|b|c");
    assert_words("a \"b c\" d\"e f\"g", "a|b c|de fg");
    assert_words("a # b", "a");
    assert_words("a#b \"#\" c", "a#b|#|c");
    assert_words("# all", "");
    assert_words("${LT_A} \"${LT_A}\" x${LT_A}y", "one two|one two|xone twoy");
    assert_words("a ${LT_EMPTY} b \"${LT_EMPTY}\" c", "a|b||c");
    assert_words("${LT_UNSET:-x y} ${LT_EMPTY:-z} ${LT_A:-no} ${LT_UNSET:-}", "x y|z|one two");
    assert_words("${LT.dot-ted}", "d");
    assert_words("\"a\\\"b\\\\c\\${LT_A}\" d\\e", "a\"b\\c${LT_A}|d\\e");
    assert_words("$ $a {b}", "$|$a|{b}");
}

static void bad_words_are_refused(void **state)
{
    (void) state;
    static const char *const bad[][2] = {
        {"a \"b", "a quote is not closed"},
        {"a \"b\\\"", "a quote is not closed"},
        {"${LT_UNSET}", "LT_UNSET is not set"},
        {"${LT_A", "without its \"}\""},
        {"${}", "expected ${NAME}"},
        {"${1A}", "expected ${NAME}"},
        {"${A b}", "expected ${NAME} or ${NAME:-TEXT}, not \"${A b}\""},
        {"${A:b}", "expected ${NAME}"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        STRV(words);
        struct error err = ERROR_INIT;
        assert_int_equal(words_split(bad[i][0], true, &words, &err), -EINVAL);
        assert_error_has(err, bad[i][1]);
    }
    AUTO_FREE char *line = xcalloc(1, WORD_MAX + 2);
    memset(line, 'a', WORD_MAX + 1);
    STRV(words);
    assert_int_equal(words_split(line, true, &words, NULL), -E2BIG);
}

/* Settings */

static void assert_rendered(const char *format, const char *key, const char *value,
                            const char *expected)
{
    struct setting one = {.key = (char *) key, .value = (char *) value};
    const struct settings s = {.items = &one, .count = 1};
    STRBUF(out, 4096);
    struct error err = ERROR_INIT;
    if (settings_render(&s, format, &out, &err) < 0)
        fail_msg("%s: %s", format, err.text);
    assert_string_equal(out.data, expected);
}

static void formats_escape(void **state)
{
    (void) state;
    assert_rendered(
        "xml", "a<b", "1 & 2 > \"0\"\n",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<configuration>\n"
        "  <property><name>a&lt;b</name><value>1 &amp; 2 &gt; \"0\"\n</value></property>\n"
        "</configuration>\n");
    assert_rendered("properties", "a b:c=d", " x\\y=z\t\n",
                    "a\\ b\\:c\\=d=\\ x\\\\y=z\\u0009\\u000A\n");
    assert_rendered("properties", "#k", "ĺé€😀", "\\#k=\\u013A\\u00E9\\u20AC\\uD83D\\uDE00\n");
    assert_rendered("env", "A_1", "it's $HOME `x`", "A_1='it'\\''s $HOME `x`'\n");
    assert_rendered("yaml", "a.b", "x: \"y\"\\\n\x7f", "\"a.b\": \"x: \\\"y\\\"\\\\\\x0A\\x7F\"\n");
    static const char *const plain[] = {"true", "false", "0", "-12", "3.50", "0.1"};
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        AUTO_FREE char *expected = xasprintf("\"k\": %s\n", plain[i]);
        assert_rendered("yaml", "k", plain[i], expected);
    }
    static const char *const texts[] = {"",    "yes", "010", "1e3", "1.", ".5",
                                        "--1", "-",   "1:2", "0x1", "~",  "null"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        AUTO_FREE char *expected = xasprintf("\"k\": \"%s\"\n", texts[i]);
        assert_rendered("yaml", "k", texts[i], expected);
    }
}

static void what_a_format_cannot_hold_is_refused(void **state)
{
    (void) state;
    static const char *const bad[][4] = {
        {"xml", "k", "a\x01", "k has a character that XML cannot hold"},
        {"xml", "k\r", "a", "XML cannot hold"},
        {"env", "a.b", "c", "\"a.b\" is no name of a variable"},
        {"env", "a b", "c", "is no name of a variable"},
        {"yaml", "k", "\xff", "k is no UTF-8"},
        {"properties", "k", "\xc0\x80", "is no UTF-8"},
        {"properties", "k", "\xed\xa0\x80", "is no UTF-8"},
        {"xml", "k", "\xe2\x82", "is no UTF-8"},
        {"toml", "k", "v", "no format \"toml\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct setting one = {.key = (char *) bad[i][1], .value = (char *) bad[i][2]};
        const struct settings s = {.items = &one, .count = 1};
        STRBUF(out, 4096);
        struct error err = ERROR_INIT;
        assert_int_equal(settings_render(&s, bad[i][0], &out, &err), -EINVAL);
        assert_error_has(err, bad[i][3]);
    }
}

static void later_settings_win(void **state)
{
    setenv("LTF_b.c", "from env", 1);
    setenv("LTF_a", "x=y", 1);
    setenv("LTF_", "no key", 1);
    write_text(*state, "in", "# comment\n\n b.c = one two \r\nz=\nb=1=2\n  # more\n");
    assert_int_equal(launched(*state,
                              "file properties @/new/dir/out from @/in from @/none? env LTF_\n"
                              "exec true\n"),
                     0);
    assert_text(*state, "new/dir/out", "b.c=from env\nz=\nb=1=2\na=x=y\n");
    struct stat st;
    AUTO_FREE char *path = path_join(*state, "new/dir/out");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    /* Again, over what is there. */
    assert_int_equal(launched(*state, "file env @/new/dir/out\nexec true\n"), 0);
    assert_text(*state, "new/dir/out", "");
}

static void bad_settings_are_refused(void **state)
{
    write_text(*state, "bad", "a=1\nb\n");
    write_text(*state, "nokey", " =1\n");
    assert_refused(*state, "file xml @/out from @/bad\nexec true\n", "/bad:2: expected KEY=VALUE");
    assert_refused(*state, "file xml @/out from @/nokey\nexec true\n",
                   "/nokey:1: expected KEY=VALUE");
    assert_refused(*state, "file xml @/out from @/none\nexec true\n", "launch.conf:1: ");
    assert_refused(*state, "file ini @/out\nexec true\n", "no format \"ini\"");
    assert_refused(*state, "file xml @/out from\nexec true\n", "expected \"from FILE\"");
    assert_refused(*state, "file xml @/out env \"\"\nexec true\n", "or \"env PREFIX\" at \"env\"");
    assert_refused(*state, "file xml @/out form @/bad\nexec true\n", "at \"form\"");
    assert_refused(*state, "file xml @/bad/out\nexec true\n", "launch.conf:1: ");
    assert_false(is_there(*state, "out"));
}

/* Directives */

static void a_file_is_checked_before_anything_is_done(void **state)
{
    static const char *const bad[][2] = {
        {"env A\nexec true\n", "launch.conf:2: expected: env NAME VALUE"},
        {"\n# x\nunknown a\nexec true\n", "launch.conf:4: there is no directive \"unknown\""},
        {"env A \"b\nexec true\n", "launch.conf:2: a quote is not closed"},
        {"env A ${B\nexec true\n", "launch.conf:2: a \"${\""},
        {"exec true\nenv A b\n", "launch.conf:3: nothing comes after \"exec\" or"},
        {"exec\n", "expected: exec COMMAND..."},
        {"env A b\n", "launch.conf ends without \"exec\""},
        {"", "ends without \"exec\" or \"done\""},
        {"wait a:1\nexec true\n", "expected: wait HOST:PORT SECONDS"},
        {"once @/x\nexec true\n", "expected: once MARKER COMMAND..."},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_FREE char *text = xasprintf("file xml @/touched\n%s", bad[i][0]);
        assert_refused(*state, text, bad[i][1]);
        assert_false(is_there(*state, "touched"));
    }
    struct error err = ERROR_INIT;
    const struct launcher l = {.sys = "/sys", .words = added, .stop = &stop};
    assert_int_equal(launch(&l, "/nonexistent/launch.conf", &err), -ENOENT);
    AUTO_FREE char *zero = path_join(*state, "zero");
    assert_int_equal(file_write_atomic(zero, "exec true\0", 10, 0644, NULL), 0);
    assert_int_equal(launch(&l, zero, &err), -EINVAL);
    assert_error_has(err, "zero byte");
}

static void env_sets_what_is_not_set(void **state)
{
    setenv("LT_SET", "kept", 1);
    unsetenv("LT_NEW");
    assert_int_equal(launched(*state,
                              "env LT_SET other\n"
                              "env LT_NEW \"${LT_SET} and new\"\n"
                              "file env @/out env LT_\n"
                              "exec sh -c \"test \\\"$LT_NEW\\\" = 'kept and new' && exit 7\"\n"),
                     7);
    assert_refused(*state, "env 1A b\nexec true\n", "launch.conf:1: \"1A\" is no name");
    assert_refused(*state, "env A ${LT_UNSET}\nexec true\n", "launch.conf:1: LT_UNSET is not set");
}

static void a_series_is_a_list_or_variables(void **state)
{
    assert_int_equal(launched(*state, "series LIST 0 3 %@kafka-%:9093\n"
                                      "series ZS_server.% 1 2 zk-%.zk:2888\n"
                                      "env ZS_list ${LIST}\n"
                                      "file properties @/out env ZS_\n"
                                      "exec true\n"),
                     0);
    AUTO_FREE char *expected = xasprintf("list=0%skafka-0:9093,1%skafka-1:9093,2%skafka-2:9093\n"
                                         "server.1=zk-1.zk:2888\nserver.2=zk-2.zk:2888\n",
                                         (char *) *state, (char *) *state, (char *) *state);
    assert_text(*state, "out", expected);
    assert_refused(*state, "series A x 1 b\nexec true\n", "FIRST is a number");
    assert_refused(*state, "series A 0 0 b\nexec true\n", "COUNT is a number from 1 to");
    assert_refused(*state, "series A 0 -1 b\nexec true\n", "COUNT is a number");
    assert_refused(*state, "series A 0 99999 b\nexec true\n", "COUNT is a number");
    assert_refused(*state, "series =% 0 1 b\nexec true\n", "no name of a variable");
}

static void assert_heap(const char *dir, const char *percent, const char *expected)
{
    AUTO_FREE char *text = xasprintf("heap LH_OPT %s\nfile env @/heap env LH_\nexec true\n",
                                     percent);
    AUTO_FREE char *line = xasprintf("OPT='%s'\n", expected);
    assert_int_equal(launched(dir, text), 0);
    assert_text(dir, "heap", line);
}

static void the_heap_is_of_the_containers_limit(void **state)
{
    long long physical = sysconf(_SC_PHYS_PAGES) * (long long) sysconf(_SC_PAGESIZE);
    AUTO_FREE char *half = xasprintf("-Xmx%lldm", physical / 100 * 50 >> 20);
    assert_heap(*state, "50", half); /* no control groups at all */
    write_text(*state, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_heap(*state, "50", half);
    write_text(*state, "sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
    assert_heap(*state, "50", "-Xmx255m");
    write_text(*state, "sys/fs/cgroup/memory.max", "max\n");
    assert_heap(*state, "100", "-Xmx511m");
    write_text(*state, "sys/fs/cgroup/memory.max", "268435456\n");
    assert_heap(*state, "75", "-Xmx191m");
    write_text(*state, "sys/fs/cgroup/memory.max", "16777216\n");
    assert_refused(*state, "heap A 50\nexec true\n", "50 % of 16 MiB is no heap");
    assert_refused(*state, "heap A 0\nexec true\n", "PERCENT is a number from 1 to 100");
    assert_refused(*state, "heap A 101\nexec true\n", "PERCENT is a number");
    assert_refused(*state, "heap A 5x\nexec true\n", "PERCENT is a number");
}

static void once_is_once(void **state)
{
    static const char text[] = "once @/made/done sh -c \"echo x >>@/runs\"\nexec true\n";
    assert_int_equal(launched(*state, "once @/done sh -c \"exit 3\"\nexec true\n"), 99);
    assert_false(is_there(*state, "done"));
    assert_int_equal(launched(*state, text), 0);
    assert_int_equal(launched(*state, text), 0);
    assert_text(*state, "runs", "x\n");
    assert_true(is_there(*state, "made/done"));
    assert_refused(*state, "once @/a /nonexistent/program\nexec true\n", "launch.conf:1: ");
    assert_refused(*state, "once @/runs/a true\nexec true\n", "look for ");
}

static void once_stops_when_told(void **state)
{
    struct error err = ERROR_INIT;
    stop = true;
    int r = launch_text(*state, "once @/done sleep 60\nexec true\n", &err);
    stop = false;
    assert_int_equal(r, -ECANCELED);
    assert_false(is_there(*state, "done"));
}

static void feed_gives_a_file(void **state)
{
    write_text(*state, "in", "first\nsecond\n");
    assert_int_equal(launched(*state, "feed @/in sh -c \"cat >@/out\"\ndone x\n"), 0);
    assert_text(*state, "out", "first\nsecond\n");
    assert_int_equal(launched(*state, "run sh -c \"cat >@/out\"\ndone x\n"), 0);
    assert_text(*state, "out", "");
    assert_refused(*state, "feed @/in false\ndone x\n", "launch.conf:1: false ended with code 1");
    assert_refused(*state, "feed @/absent true\ndone x\n", "launch.conf:1: open ");
    assert_refused(*state, "feed @/in\ndone x\n", "expected: feed FILE COMMAND...");
}

static void a_job_is_done_when_all_of_it_succeeded(void **state)
{
    assert_int_equal(launched(*state, "run sh -c \"echo a >@/ran\"\ndone \"all of it\"\n"), 0);
    assert_text(*state, "ran", "a\n");
    assert_refused(*state, "run false\ndone x\n", "launch.conf:1: false ended with code 1");
    assert_refused(*state, "done x\nrun touch @/late\n", "launch.conf:2: nothing comes after");
    assert_refused(*state, "done\n", "expected: done TEXT");
    assert_false(is_there(*state, "late"));
}

static void exec_becomes_the_program(void **state)
{
    assert_int_equal(launched(*state, "exec sh -c \"exit 5\"\n"), 5);
    assert_refused(*state, "exec /nonexistent/program\n",
                   "launch.conf:1: run /nonexistent/program: No such file");
}

static void words_of_the_command_line_are_added(void **state)
{
    added[0] = (char *) "a b";
    added[1] = (char *) "${LT_UNSET}";
    int code = launched(*state, "exec sh -c \"test \\\"$#:$1:$2\\\" = '2:a b:\\${LT_UNSET}' "
                                "&& exit 5\" sh\n");
    added[0] = NULL;
    assert_int_equal(code, 5);
}

static void each_variable_of_a_prefix_is_a_word(void **state)
{
    (void) state;
    STRV(words);
    struct error err = ERROR_INIT;
    setenv("LT_EACH_10", "-Dten=1 0", 1);
    setenv("LT_EACH_9", "-Dnine", 1);
    setenv("LT_EACH_", "-Dfirst", 1);
    assert_int_equal(words_split("java ${LT_EACH_*} ${LT_NONE*} x", true, &words, &err), 0);
    AUTO_FREE char *all = strv_join(&words, "|");
    assert_string_equal(all, "java|-Dfirst|-Dten=1 0|-Dnine|x");
    STRV(looked_at);
    assert_int_equal(words_split("${LT_EACH_*}", false, &looked_at, &err), 0);
    assert_int_equal(looked_at.count, 1);
    static const char *const bad[] = {"a${LT_EACH_*}", "${LT_EACH_*}a", "\"${LT_EACH_*}\"", "${*}"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(words_split(bad[i], true, &words, &err), -EINVAL);
}

static void root_is_refused(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_int_equal(launch_check_user(0, &err), -EPERM);
    assert_error_has(err, "never runs as root");
    assert_int_equal(launch_check_user(10001, NULL), 0);
}

/* TCP */

struct service {
    int fd;
    char address[32];
    const char *answer;
    int answer_after_ms;
};

static void service_bind(struct service *s, bool listening)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *) &at, len), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *) &at, &len), 0);
    snprintf(s->address, sizeof(s->address), "localhost:%u", ntohs(at.sin_port));
    if (listening)
        assert_int_equal(listen(s->fd, 8), 0);
}

static void *answer(void *userdata)
{
    const struct service *s = userdata;
    char text[64];
    AUTO_FD fd = accept(s->fd, NULL, NULL);
    if (fd >= 0 && read(fd, text, sizeof(text)) == 5 && memcmp(text, "srvr\n", 5) == 0)
        (void) fd_write_all(fd, s->answer, strlen(s->answer));
    return NULL;
}

static void *listen_later(void *userdata)
{
    const struct service *s = userdata;
    usleep(700 * 1000);
    listen(s->fd, 8);
    return NULL;
}

static void a_wait_ends_when_the_service_comes(void **state)
{
    struct service s;
    pthread_t thread;
    service_bind(&s, false);
    AUTO_FREE char *text = xasprintf("wait %s 20\nexec sh -c \"exit 4\"\n", s.address);
    assert_int_equal(pthread_create(&thread, NULL, listen_later, &s), 0);
    assert_int_equal(launched(*state, text), 4);
    pthread_join(thread, NULL);
    close(s.fd);
}

static void a_wait_has_a_deadline(void **state)
{
    struct service s;
    service_bind(&s, false);
    AUTO_FREE char *text = xasprintf("wait %s 1\nexec true\n", s.address);
    struct error err = ERROR_INIT;
    int64_t start = clock_monotonic_ms();
    assert_int_equal(launch_text(*state, text, &err), -ETIMEDOUT);
    assert_soon(start);
    assert_error_has(err, "after 1 seconds: localhost:");
    assert_error_has(err, "Connection refused");
    stop = true;
    assert_int_equal(launch_text(*state, text, &err), -ECANCELED);
    stop = false;
    close(s.fd);
}

static void bad_addresses_are_refused(void **state)
{
    static const char *const bad[] = {"a",       ":1",   "a:",   "a:0",
                                      "a:65536", "a:1x", "a:-1", "a:123456"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_FREE char *text = xasprintf("wait %s 1\nexec true\n", bad[i]);
        assert_refused(*state, text, "launch.conf:1: expected HOST:PORT");
    }
    assert_refused(*state, "wait a:1 0\nexec true\n", "SECONDS is a number");
    AUTO_TCP_ADDRESS a = {0};
    assert_int_equal(tcp_address_parse("[::1]:80", &a, NULL), 0);
    assert_string_equal(a.host, "::1");
    assert_string_equal(a.port, "80");
    AUTO_TCP_ADDRESS b = {0};
    assert_int_equal(tcp_address_parse("kafka-0.kafka:9092", &b, NULL), 0);
    assert_string_equal(b.host, "kafka-0.kafka");
    assert_string_equal(b.port, "9092");
}

static int probe(const char *kind, const char *address, const char *text, const char *expected,
                 struct error *err)
{
    char *arguments[] = {(char *) kind, (char *) address, (char *) text, (char *) expected, NULL};
    return launch_probe(arguments, err);
}

static void probes_connect_and_ask(void **state)
{
    (void) state;
    struct service s, closed;
    pthread_t thread;
    struct error err = ERROR_INIT;
    service_bind(&s, true);
    service_bind(&closed, false);
    assert_int_equal(probe("tcp", s.address, NULL, NULL, &err), 0);
    assert_int_equal(probe("tcp", closed.address, NULL, NULL, &err), -ENOTCONN);
    close(accept(s.fd, NULL, NULL));
    static const struct {
        const char *answer;
        int result;
    } cases[] = {
        {"Version: 3\nMode: leader\n", 0}, {"not serving\x1b\n", -EBADMSG}, {"", -EBADMSG}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        s.answer = cases[i].answer;
        assert_int_equal(pthread_create(&thread, NULL, answer, &s), 0);
        assert_int_equal(probe("ask", s.address, "srvr", "Mode: ", &err), cases[i].result);
        pthread_join(thread, NULL);
        assert_null(strchr(err.text, '\x1b'));
    }
    assert_int_equal(probe("ask", closed.address, "srvr", "Mode: ", &err), -ENOTCONN);
    close(s.fd);
    close(closed.fd);
}

struct thrift_answer {
    const struct service *service;
    const void *bytes;
    size_t len;
};

static void *answer_thrift(void *userdata)
{
    static const char call[] = "\x80\x01\x00\x01\x00\x00\x00\x04ping\x00\x00\x00\x01"; /* and a 0 */
    const struct thrift_answer *t = userdata;
    char text[64];
    AUTO_FD fd = accept(t->service->fd, NULL, NULL);
    ssize_t n = read(fd, text, sizeof(text));
    if (n == sizeof(call) && memcmp(text, call, sizeof(call)) == 0)
        (void) fd_write_all(fd, t->bytes, t->len);
    return NULL;
}

#define REPLY "\x80\x01\x00\x02\x00\x00\x00\x04"
#define THRIFT(text, result) \
    { \
        text, sizeof(text) - 1, result \
    }

static void a_thrift_method_has_to_give_its_result(void **state)
{
    (void) state;
    static const struct {
        const char *bytes;
        size_t len;
        int result;
    } cases[] = {
        THRIFT(REPLY "ping\0\0\0\1\x08\0\0\0\0\0\2\0", 0),
        THRIFT(REPLY "ping\0\0\0\1\0", 0),                /* a method without a result */
        THRIFT(REPLY "ping\0\0\0\1\x0c\0\1\0", -EBADMSG), /* an exception that it declares */
        THRIFT(REPLY "ping\0\0\0\2\0", -EBADMSG),
        THRIFT(REPLY "pong\0\0\0\1\0", -EBADMSG),
        THRIFT(REPLY "ping\0\0\0\1", -ENODATA),
        THRIFT("\x80\x01\x00\x03\x00\x00\x00\x04ping\0\0\0\1\0", -EBADMSG),
        THRIFT("\x80\x01\x00\x02\x00\x00\x00\xff", -EBADMSG),
        THRIFT("HTTP/1.1 400 Bad Request\r\n", -EBADMSG),
        THRIFT("", -ENODATA),
    };
    struct service s;
    pthread_t thread;
    service_bind(&s, true);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct thrift_answer t = {&s, cases[i].bytes, cases[i].len};
        struct error err = ERROR_INIT;
        assert_int_equal(pthread_create(&thread, NULL, answer_thrift, &t), 0);
        assert_int_equal(probe("thrift", s.address, "ping", NULL, &err), cases[i].result);
        pthread_join(thread, NULL);
    }
    close(s.fd);
}

static void bad_probes_are_refused(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    assert_int_equal(probe(NULL, NULL, NULL, NULL, &err), -EINVAL);
    assert_int_equal(probe("tcp", NULL, NULL, NULL, &err), -EINVAL);
    assert_int_equal(probe("tcp", "a:1", "b", NULL, &err), -EINVAL);
    assert_int_equal(probe("ask", "a:1", "b", NULL, &err), -EINVAL);
    assert_int_equal(probe("thrift", "a:1", NULL, NULL, &err), -EINVAL);
    assert_int_equal(probe("thrift", "a:1", "", NULL, &err), -EINVAL);
    assert_int_equal(probe("udp", "a:1", NULL, NULL, &err), -EINVAL);
    assert_int_equal(probe("tcp", "a", NULL, NULL, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_split_and_expanded),
        cmocka_unit_test(bad_words_are_refused),
        cmocka_unit_test(formats_escape),
        cmocka_unit_test(what_a_format_cannot_hold_is_refused),
        cmocka_folder_test(later_settings_win),
        cmocka_folder_test(bad_settings_are_refused),
        cmocka_folder_test(a_file_is_checked_before_anything_is_done),
        cmocka_folder_test(env_sets_what_is_not_set),
        cmocka_folder_test(a_series_is_a_list_or_variables),
        cmocka_folder_test(the_heap_is_of_the_containers_limit),
        cmocka_folder_test(once_is_once),
        cmocka_folder_test(once_stops_when_told),
        cmocka_folder_test(feed_gives_a_file),
        cmocka_folder_test(a_job_is_done_when_all_of_it_succeeded),
        cmocka_folder_test(exec_becomes_the_program),
        cmocka_unit_test(each_variable_of_a_prefix_is_a_word),
        cmocka_folder_test(words_of_the_command_line_are_added),
        cmocka_unit_test(root_is_refused),
        cmocka_folder_test(a_wait_ends_when_the_service_comes),
        cmocka_folder_test(a_wait_has_a_deadline),
        cmocka_folder_test(bad_addresses_are_refused),
        cmocka_unit_test(probes_connect_and_ask),
        cmocka_unit_test(a_thrift_method_has_to_give_its_result),
        cmocka_unit_test(bad_probes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
