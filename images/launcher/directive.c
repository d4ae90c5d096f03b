#include "images/launcher/directive.h"

#include "images/launcher/settings.h"
#include "images/launcher/tcp.h"
#include "images/launcher/words.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERIES_MAX 1000
#define SECONDS_MAX 86400
#define HEAP_MIN_MIB 16 /* no JVM starts with less */
#define RENDERED_MAX (8 * SETTINGS_FILE_MAX)

/* Digits alone. */
static int parse_number(const char *what, const char *text, long min, long max, long *out,
                        struct error *err)
{
    errno = 0;
    long n = strtol(text, NULL, 10);
    if (!*text || strspn(text, "0123456789") != strlen(text) || errno || n < min || n > max)
        return error_set(err, -EINVAL, "%s is a number from %ld to %ld, not \"%s\"", what, min, max,
                         text);
    *out = n;
    return 0;
}

static int set_variable(const char *name, const char *value, bool replace, struct error *err)
{
    if (!words_is_name(name))
        return error_set(err, -EINVAL, "\"%s\" is no name of a variable", name);
    return setenv(name, value, replace) == 0 ? 0 : error_errno(err, -errno, "set %s", name);
}

static int run_env(const struct launcher *l, const struct strv *w, struct error *err)
{
    (void) l;
    return set_variable(w->items[1], w->items[2], false, err);
}

static void add_numbered(const char *pattern, long n, struct strbuf *out)
{
    for (; *pattern; pattern++)
        if (*pattern == '%')
            strbuf_addf(out, "%ld", n);
        else
            strbuf_addc(out, *pattern);
}

static int set_each(const struct strv *w, long first, long count, struct error *err)
{
    STRBUF(name, WORD_MAX);
    STRBUF(value, WORD_MAX);
    int r = 0;
    for (long n = first; r == 0 && n < first + count; n++) {
        strbuf_reset(&name);
        strbuf_reset(&value);
        add_numbered(w->items[1], n, &name);
        add_numbered(w->items[4], n, &value);
        r = set_variable(name.data, value.data, true, err);
    }
    return r;
}

static int run_series(const struct launcher *l, const struct strv *w, struct error *err)
{
    (void) l;
    long first = 0, count = 0;
    int r;
    if ((r = parse_number("FIRST", w->items[2], 0, INT_MAX, &first, err)) < 0 ||
        (r = parse_number("COUNT", w->items[3], 1, SERIES_MAX, &count, err)) < 0)
        return r;
    if (strchr(w->items[1], '%'))
        return set_each(w, first, count, err);
    STRBUF(all, WORD_MAX);
    for (long n = first; n < first + count; n++) {
        strbuf_adds(&all, n > first ? "," : "");
        add_numbered(w->items[4], n, &all);
    }
    return strbuf_full(&all) ? error_set(err, -E2BIG, "the series is too long")
                             : set_variable(w->items[1], all.data, true, err);
}

/* What a file of the kernel's says; `otherwise` where it isn't there or says no number ("max"). */
static long long kernel_number(const char *dir, const char *name, long long otherwise)
{
    AUTO_FREE char *path = path_join(dir, name);
    STRBUF(text, 64);
    if (file_read(path, &text, NULL) < 0)
        return otherwise;
    long long n = strtoll(text.data, NULL, 10);
    return n > 0 ? n : otherwise;
}

/* Bytes: of cgroup v2 or v1 (which says a number beyond any machine's where there is no limit). */
static long long memory_limit(const char *sys)
{
    static const char *const files[] = {"fs/cgroup/memory.max",
                                        "fs/cgroup/memory/memory.limit_in_bytes"};
    long long least = sysconf(_SC_PHYS_PAGES) * (long long) sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        long long n = kernel_number(sys, files[i], least);
        least = n < least ? n : least;
    }
    return least;
}

static int run_heap(const struct launcher *l, const struct strv *w, struct error *err)
{
    long percent = 0;
    int r = parse_number("PERCENT", w->items[2], 1, 100, &percent, err);
    if (r < 0)
        return r;
    long long limit = memory_limit(l->sys), mib = limit / 100 * percent >> 20;
    if (mib < HEAP_MIN_MIB)
        return error_set(err, -ENOMEM, "%ld %% of %lld MiB is no heap for a JVM", percent,
                         limit >> 20);
    AUTO_FREE char *option = xasprintf("-Xmx%lldm", mib);
    return set_variable(w->items[1], option, true, err);
}

static int gather(const struct strv *w, struct settings *out, struct error *err)
{
    int r = 0;
    for (size_t i = 3; r == 0 && i < w->count; i += 2) {
        const char *kind = w->items[i], *what = w->items[i + 1];
        bool file = strcmp(kind, "from") == 0;
        if ((!file && strcmp(kind, "env") != 0) || !what || !*what)
            return error_set(err, -EINVAL, "expected \"from FILE\" or \"env PREFIX\" at \"%s\"",
                             kind);
        r = file ? settings_add_file(out, what, err) : settings_add_env(out, what, err);
    }
    return r;
}

static int write_file(const char *path, const struct strbuf *text, struct error *err)
{
    AUTO_FREE char *dir = path_dirname(path);
    int r = path_mkdir_p(dir, 0755, err);
    return r < 0 ? r : file_write_atomic(path, text->data, text->len, 0600, err);
}

static int run_file(const struct launcher *l, const struct strv *w, struct error *err)
{
    (void) l;
    AUTO_SETTINGS settings = {0};
    STRBUF(text, RENDERED_MAX);
    int r;
    if ((r = gather(w, &settings, err)) < 0 ||
        (r = settings_render(&settings, w->items[1], &text, err)) < 0)
        return r;
    return write_file(w->items[2], &text, err);
}

static int run_wait(const struct launcher *l, const struct strv *w, struct error *err)
{
    AUTO_TCP_ADDRESS a = {0};
    long seconds = 0;
    int r;
    if ((r = tcp_address_parse(w->items[1], &a, err)) < 0 ||
        (r = parse_number("SECONDS", w->items[2], 1, SECONDS_MAX, &seconds, err)) < 0)
        return r;
    fprintf(stderr, "launch: waiting for %s\n", w->items[1]);
    return tcp_wait(&a, seconds, l->stop, err);
}

static void pass_on(void *userdata, bool is_stderr, const char *line)
{
    (void) userdata;
    fprintf(is_stderr ? stderr : stdout, "%s\n", line);
}

/* input: a descriptor, or 0 for none. */
static int run_program(const struct launcher *l, char *const *argv, int input, struct error *err)
{
    const struct process_options options = {
        .stdin_fd = input, .on_line = pass_on, .cancel = l->stop, .die_with_parent = true};
    fprintf(stderr, "launch: run %s\n", argv[0]);
    return process_run((const char *const *) argv, &options, NULL, err);
}

static int run_run(const struct launcher *l, const struct strv *w, struct error *err)
{
    return run_program(l, w->items + 1, 0, err);
}

static int run_feed(const struct launcher *l, const struct strv *w, struct error *err)
{
    AUTO_FD fd = open(w->items[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "open %s", w->items[1]);
    return run_program(l, w->items + 2, fd, err);
}

static int run_once(const struct launcher *l, const struct strv *w, struct error *err)
{
    const char *marker = w->items[1];
    STRBUF(empty, 1);
    if (access(marker, F_OK) == 0)
        return 0;
    if (errno != ENOENT)
        return error_errno(err, -errno, "look for %s", marker);
    int r = run_program(l, w->items + 2, 0, err);
    return r < 0 ? r : write_file(marker, &empty, err);
}

static int run_exec(const struct launcher *l, const struct strv *w, struct error *err)
{
    STRV(argv);
    strv_add_all(&argv, (const char *const *) w->items + 1);
    strv_add_all(&argv, (const char *const *) l->words);
    execvp(argv.items[0], argv.items);
    return error_errno(err, -errno, "run %s", argv.items[0]);
}

static int run_done(const struct launcher *l, const struct strv *w, struct error *err)
{
    (void) l;
    (void) err;
    printf("%s\n", w->items[1]);
    return 0;
}

static const struct directive directives[] = {
    {"env", "NAME VALUE", 3, 3, run_env},
    {"series", "NAME FIRST COUNT VALUE", 5, 5, run_series},
    {"heap", "NAME PERCENT", 3, 3, run_heap},
    {"file", "FORMAT PATH [from FILE | env PREFIX]...", 3, SIZE_MAX, run_file},
    {"wait", "HOST:PORT SECONDS", 3, 3, run_wait},
    {"run", "COMMAND...", 2, SIZE_MAX, run_run},
    {"feed", "FILE COMMAND...", 3, SIZE_MAX, run_feed},
    {"once", "MARKER COMMAND...", 3, SIZE_MAX, run_once},
    {"exec", "COMMAND...", 2, SIZE_MAX, run_exec},
    {"done", "TEXT", 2, 2, run_done},
};

int directive_find(const struct strv *words, const struct directive **out, struct error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(directives); i++) {
        const struct directive *d = &directives[i];
        if (strcmp(d->name, words->items[0]) != 0)
            continue;
        if (words->count < d->min || words->count > d->max)
            return error_set(err, -EINVAL, "expected: %s %s", d->name, d->usage);
        *out = d;
        return 0;
    }
    return error_set(err, -EINVAL, "there is no directive \"%s\"", words->items[0]);
}

bool directive_is_last(const struct directive *d)
{
    return d->run == run_exec || d->run == run_done;
}
