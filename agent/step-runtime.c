#include "agent/service.h"
#include "agent/step.h"
#include "agent/traces.h"

#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/json.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define CONTAINERD_SOCKET "/run/containerd/containerd.sock"
#define SOCKET_TIMEOUT_MS 30000

static int dial(void)
{
    AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    memcpy(to.sun_path, CONTAINERD_SOCKET, sizeof(CONTAINERD_SOCKET));
    return connect(fd, (const struct sockaddr *) &to, sizeof(to)) < 0 ? -errno : 0;
}

static int wait_socket(const struct step_context *ctx, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + SOCKET_TIMEOUT_MS;
    int r;
    while ((r = dial()) < 0) {
        if (ctx->cancel && *ctx->cancel) {
            return error_set(err, -ECANCELED, "interrupted");
        }
        if (clock_left_ms(deadline) == 0) {
            error_errno(err, r, "containerd does not answer on %s", CONTAINERD_SOCKET);
            return error_remedy(err, "look at `journalctl -u containerd` on the host");
        }
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    return 0;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    int r = traces_check(ctx->ledger, TRACES_RUNTIME, err);
    if (r < 0) {
        return r;
    }
    r = service_check(params, ctx->ledger, SERVICE_RUNNING, differences, err);
    if (r == 1 && dial() < 0) {
        strv_addf(differences, "wait for %s", CONTAINERD_SOCKET);
        r = 0;
    }
    return r;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    int r = traces_record(ctx, TRACES_RUNTIME, err);
    if (r < 0) {
        return r;
    }
    r = service_apply(ctx, params, SERVICE_RUNNING, err);
    return r < 0 ? r : wait_socket(ctx, err);
}

const struct step step_runtime = {.name = "runtime", .check = check, .apply = apply};
