#include "iso/steps.h"

#include "lib/architecture.h"
#include "lib/process.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define RUN_TIMEOUT_MS (60 * 60 * 1000)
#define VERSION_TIMEOUT_MS 60000
#define VERSION_MAX 4096
#define PROGRESS_MAX 256

static const struct {
    const char *program, *package;
} tools[] = {
    {"apt-get", "apt"},     {"dpkg-deb", "dpkg"},          {"mmdebstrap", "mmdebstrap"},
    {"tar", "tar"},         {"sqfstar", "squashfs-tools"}, {"mformat", "mtools"},
    {"xorriso", "xorriso"},
};

void iso_progress(const struct iso_steps *s, const char *format, ...)
{
    if (!s->progress)
        return;
    STRBUF(text, PROGRESS_MAX);
    va_list args;
    va_start(args, format);
    strbuf_vaddf(&text, format, args);
    va_end(args);
    s->progress(s->userdata, text.data);
}

int iso_run(const struct iso_steps *s, const struct strv *argv, const struct iso_run *how,
            struct error *err)
{
    STRV(env);
    strv_add(&env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
    strv_add(&env, "LC_ALL=C.UTF-8");
    strv_add(&env, "TZ=UTC");
    strv_addf(&env, "SOURCE_DATE_EPOCH=%lld", (long long) how->epoch);
    const struct process_options opts = {.env = (const char *const *) env.items,
                                         .stdin_fd = how->stdin_fd,
                                         .stdout_fd = how->stdout_fd,
                                         .timeout_ms = RUN_TIMEOUT_MS,
                                         .cancel = s->cancel,
                                         .die_with_parent = true};
    return process_runv(argv, &opts, NULL, err);
}

void iso_squash_words(struct strv *argv, int64_t epoch, const char *squashfs)
{
    static const char *const words[] = {
        "sqfstar",    "-quiet", "-no-progress", "-no-xattrs", "-comp",     "zstd", "-b", "128K",
        "-root-mode", "0755",   "-root-uid",    "0",          "-root-gid", "0",    NULL};
    strv_add_all(argv, words);
    strv_add(argv, "-root-time");
    strv_addf(argv, "%lld", (long long) epoch);
    strv_add(argv, squashfs);
}

int iso_tool_version(const char *program, const char *option, char **out, struct error *err)
{
    STRBUF(text, VERSION_MAX);
    const char *const argv[] = {program, option, NULL};
    const struct process_options opts = {
        .out = &text, .timeout_ms = VERSION_TIMEOUT_MS, .merge_stderr = true};
    int r = process_run(argv, &opts, NULL, err);
    /* Those of squashfs-tools end with 1 after they have told it. */
    if (r < 0 && !(r == -EREMOTEIO && text.len > 0))
        return r;
    *out = xstrndup(text.data, strcspn(text.data, "\n"));
    return 0;
}

int iso_need_tools(struct error *err)
{
    STRV(programs);
    STRV(packages);
    for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
        if (!process_in_path(tools[i].program)) {
            strv_add(&programs, tools[i].program);
            strv_add(&packages, tools[i].package);
        }
    if (programs.count == 0)
        return 0;
    AUTO_FREE char *missing = strv_join(&programs, ", ");
    AUTO_FREE char *wanted = strv_join(&packages, " ");
    error_set(err, -ENOENT, "an image is built with Debian's own tools; missing: %s", missing);
    return error_remedy(err, "apt-get install %s", wanted);
}

/* Debian's arch-test runs a program; mmdebstrap asks it too, but after everything was fetched. */
int iso_need_machine(const struct iso_steps *s, const char *architecture, struct error *err)
{
    const char *const argv[] = {"arch-test", architecture, NULL};
    const struct process_options opts = {
        .timeout_ms = VERSION_TIMEOUT_MS, .cancel = s->cancel, .die_with_parent = true};
    if (strcmp(architecture, OWN_ARCHITECTURE) == 0 || process_run(argv, &opts, NULL, NULL) == 0)
        return 0;
    error_set(err, -ENOENT,
              "packages of %s are installed by running them, which this machine cannot",
              architecture);
    return error_remedy(err,
                        "apt-get install arch-test binfmt-support qemu-user-static; mount -t "
                        "binfmt_misc none /proc/sys/fs/binfmt_misc; update-binfmts --enable; "
                        "after that `arch-test %s` says ok",
                        architecture);
}
