#include "agent/program.h"

#include "lib/clock.h"
#include "lib/kube.h"
#include "lib/protocol.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* To start kubectl alone takes seconds where memory is short and the disk an SD card. */
#define READY_TIMEOUT_MS 15000
#define AGAIN_MS 2000 /* between two tries of a busy server */

static const char *const environment[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=" AGENT_RUN_DIR,
    "TMPDIR=" AGENT_RUN_DIR,
    "KUBECONFIG=" ADMIN_CONF,
    "LC_ALL=C",
    NULL,
};

struct process_options program_options(const bool *cancel, int timeout_ms)
{
    return (struct process_options){
        .env = environment,
        .cwd = "/",
        .cancel = cancel,
        .timeout_ms = timeout_ms,
        .die_with_parent = true,
    };
}

static void kubectl_argv(struct strv *argv, const char *const args[], int timeout_ms)
{
    strv_add(argv, PROGRAM_KUBECTL);
    /* This host's own API server, whatever stands before the API: "this control plane answers" must
     * not be another one's doing. Its certificate has this name whatever its addresses are. */
    strv_add(argv, "--server=https://127.0.0.1:6443");
    strv_add(argv, "--tls-server-name=kubernetes");
    /* kubectl waits without end for a server that accepted the connection and then went silent. */
    strv_addf(argv, "--request-timeout=%ds", timeout_ms / 1000 + 1);
    strv_add_all(argv, args);
}

/* On a small machine that starts a control plane its server is busy for minutes. Each try has its
 * own output, and what is left of the time. */
static int run_until_answered(const struct strv *argv, struct process_options *options,
                              struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + options->timeout_ms;
    for (;;) {
        struct error now = ERROR_INIT;
        int r = process_runv(argv, options, NULL, &now);
        options->timeout_ms = clock_left_ms(deadline);
        if (r != -EREMOTEIO || !kube_said_busy(now.text) || options->timeout_ms <= AGAIN_MS) {
            if (err) {
                *err = now;
            }
            return r;
        }
        nanosleep(&(struct timespec){.tv_sec = AGAIN_MS / 1000}, NULL);
        options->timeout_ms -= AGAIN_MS;
        if (options->out) {
            strbuf_reset(options->out);
        }
    }
}

int kubectl_run(const char *const args[], const bool *cancel, int timeout_ms, struct strbuf *out,
                struct error *err)
{
    STRV(argv);
    kubectl_argv(&argv, args, timeout_ms);
    struct process_options options = program_options(cancel, timeout_ms);
    options.out = out;
    return run_until_answered(&argv, &options, err);
}

int kubectl_feed(const char *const args[], const char *text, const bool *cancel, int timeout_ms,
                 struct error *err)
{
    STRV(argv);
    kubectl_argv(&argv, args, timeout_ms);
    struct process_options options = program_options(cancel, timeout_ms);
    options.stdin_data = text;
    options.stdin_len = strlen(text);
    return run_until_answered(&argv, &options, err);
}

int kubectl_find(const char *const args[], const bool *cancel, int timeout_ms, json_t **out,
                 struct error *err)
{
    STRBUF(text, PROGRAM_OUTPUT_MAX);
    int r = kubectl_run(args, cancel, timeout_ms, &text, err);
    if (r < 0 || text.len == 0) {
        return r;
    }
    json_t *parsed = json_parse(text.data, text.len, PROGRAM_KUBECTL, err);
    if (!parsed) {
        return -EPROTO;
    }
    *out = parsed;
    return 1;
}

int kubectl_json(const char *const args[], const bool *cancel, int timeout_ms, json_t **out,
                 struct error *err)
{
    int r = kubectl_find(args, cancel, timeout_ms, out, err);
    if (r == 0) {
        return error_set(err, -EPROTO, PROGRAM_KUBECTL " said nothing");
    }
    return r < 0 ? r : 0;
}

bool kubectl_api_ready(const bool *cancel, int timeout_ms)
{
    const char *const args[] = {"get", "--raw=/readyz", NULL};
    return kubectl_run(args, cancel, timeout_ms, NULL, NULL) == 0;
}

int kubectl_api_wait(const bool *cancel, int timeout_ms, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    while (!kubectl_api_ready(cancel, READY_TIMEOUT_MS)) {
        if (cancel && *cancel) {
            return error_set(err, -ECANCELED, "interrupted");
        }
        if (clock_left_ms(deadline) == 0) {
            return error_set(err, -ETIMEDOUT,
                             "the API server of this host did not become ready "
                             "within %d s",
                             timeout_ms / 1000);
        }
        nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    }
    return 0;
}
