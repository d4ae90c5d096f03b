#include "agent/images-store.h"

#include "agent/images-archive.h"
#include "agent/program.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define LIST_TIMEOUT_MS 30000
#define IMPORT_TIMEOUT_MS (20 * 60 * 1000) /* the first images on an SD card */
#define PIPE_SIZE (1024 * 1024)

/* What the CRI plugin and kubelet look at: containerd's internal/cri/labels. */
#define LABEL_PINNED "io.cri-containerd.pinned=pinned"
#define LABEL_MANAGED "io.cri-containerd.image=managed"

static void ctr_argv(struct strv *argv, const char *verb)
{
    const char *const start[] = {PROGRAM_CTR, "--namespace", IMAGES_NAMESPACE,
                                 "images",    verb,          NULL};
    strv_add_all(argv, start);
}

/* "REF TYPE DIGEST complete (3/3) 1.1 MiB/1.1 MiB true", columns by blanks. */
void images_parse_check(const char *text, json_t *images)
{
    STRV(lines);
    strv_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        STRV(fields);
        strv_split(&fields, lines.items[i], ' ');
        if (fields.count >= 4 && digest_is_valid(fields.items[2])) {
            bool complete = strcmp(fields.items[3], "complete") == 0;
            json_object_set_new(images, fields.items[0],
                                json_pack("{s:s, s:b, s:b}", "digest", fields.items[2], "complete",
                                          complete, "pinned", 0));
        }
    }
}

/* "REF TYPE DIGEST SIZE PLATFORMS LABELS": labels are joined by commas in the last column. */
void images_parse_labels(const char *text, json_t *images)
{
    STRV(lines);
    strv_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        STRV(fields);
        strv_split(&fields, lines.items[i], ' ');
        json_t *image = fields.count ? json_object_get(images, fields.items[0]) : NULL;
        if (image) {
            STRV(labels);
            strv_split(&labels, fields.items[fields.count - 1], ',');
            json_object_set_new(image, "pinned",
                                json_boolean(strv_contains(&labels, LABEL_PINNED)));
        }
    }
}

static int ctr_output(const char *verb, const bool *cancel, struct strbuf *out, struct error *err)
{
    STRV(argv);
    ctr_argv(&argv, verb);
    struct process_options options = program_options(cancel, LIST_TIMEOUT_MS);
    options.out = out;
    return process_runv(&argv, &options, NULL, err);
}

int images_list(const bool *cancel, json_t **out, struct error *err)
{
    STRBUF(content, PROGRAM_OUTPUT_MAX);
    STRBUF(labels, PROGRAM_OUTPUT_MAX);
    int r = ctr_output("check", cancel, &content, err);
    r = r < 0 ? r : ctr_output("ls", cancel, &labels, err);
    if (r < 0) {
        return r;
    }
    *out = json_object();
    images_parse_check(content.data, *out);
    images_parse_labels(labels.data, *out);
    return 0;
}

struct feeder {
    struct images_archive archive;
    int result;
    struct error error;
};

static void *feed(void *userdata)
{
    struct feeder *f = userdata;
    /* A reader that goes away is an error of write(2) here, not the end of the agent. */
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
    f->result = images_archive_write(&f->archive, &f->error);
    return NULL;
}

static int run_import(const struct step_context *ctx, bool pinned, int stdin_fd, struct error *err)
{
    STRV(argv);
    ctr_argv(&argv, "import");
    /* Of the ways that ctr has this takes the least time and a sixth of the work: layers are
     * unpacked when the first container needs them, several at once, and unused images never. */
    strv_add(&argv, "--local");
    strv_add(&argv, "--no-unpack");
    const char *const labels[] = {"--label", LABEL_MANAGED, pinned ? "--label" : NULL, LABEL_PINNED,
                                  NULL};
    strv_add_all(&argv, labels);
    strv_add(&argv, "-");
    struct process_options options = program_options(ctx->cancel, IMPORT_TIMEOUT_MS);
    options.stdin_fd = stdin_fd;
    return process_runv(&argv, &options, NULL, err);
}

int images_import(const struct step_context *ctx, const json_t *images, bool pinned,
                  struct error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return error_errno(err, -errno, "pipe");
    }
    AUTO_FD reading = ends[0];
    fcntl(reading, F_SETPIPE_SZ, PIPE_SIZE);
    struct feeder feeder = {.archive = {.ctx = ctx, .images = images, .fd = ends[1]}};
    pthread_t thread;
    int r = pthread_create(&thread, NULL, feed, &feeder);
    if (r != 0) {
        fd_close(&feeder.archive.fd);
        return error_errno(err, -r, "start a thread");
    }
    r = run_import(ctx, pinned, reading, err);
    fd_close(&reading); /* the feeder sees that nobody reads any more */
    pthread_join(thread, NULL);
    /* A missing blob is why ctr failed, a closed pipe is not. */
    if (feeder.result < 0 && feeder.result != -EPIPE) {
        *err = feeder.error;
        return feeder.result;
    }
    return r;
}

int images_pin(const struct step_context *ctx, const char *ref, struct error *err)
{
    STRV(argv);
    ctr_argv(&argv, "label");
    strv_add(&argv, ref);
    strv_add(&argv, LABEL_MANAGED);
    strv_add(&argv, LABEL_PINNED);
    struct process_options options = program_options(ctx->cancel, LIST_TIMEOUT_MS);
    return process_runv(&argv, &options, NULL, err);
}
