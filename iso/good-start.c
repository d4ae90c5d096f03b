#include "iso/good-start.h"

#include "lib/fd.h"
#include "lib/healthz.h"

#include <string.h>
#include <unistd.h>

#define KUBELET_CONFIG "/etc/kubernetes/kubelet.conf" /* kubeadm writes it last when it joins */
#define SSH_PORT 22
#define SSH_GREETING "SSH-2.0-" /* RFC 4253 4.2 */
#define TIMEOUT_MS 5000

enum good_start_verdict good_start_look(struct good_start *g, int64_t now_ms, bool node, bool well)
{
    if (g->began_ms < 0)
        g->began_ms = now_ms;
    if (!well || node != g->node)
        g->since_ms = -1;
    if (well && g->since_ms < 0)
        g->since_ms = now_ms;
    g->node = node;
    if (g->since_ms >= 0 && now_ms - g->since_ms >= GOOD_START_S * INT64_C(1000))
        return GOOD_START_GOOD;
    return now_ms - g->began_ms >= GOOD_START_GIVE_UP_S * INT64_C(1000) ? GOOD_START_GIVE_UP
                                                                        : GOOD_START_WAIT;
}

bool good_start_is_node(void)
{
    return access(KUBELET_CONFIG, F_OK) == 0;
}

static bool ssh_answers(void)
{
    AUTO_FD fd = loopback_dial(SSH_PORT, TIMEOUT_MS);
    char greeting[sizeof(SSH_GREETING) - 1];
    return fd >= 0 && fd_read_full(fd, greeting, sizeof(greeting)) == 0 &&
           memcmp(greeting, SSH_GREETING, sizeof(greeting)) == 0;
}

bool good_start_is_well(bool node)
{
    return node ? healthz_ok(HEALTHZ_KUBELET_PORT, TIMEOUT_MS) : ssh_answers();
}
