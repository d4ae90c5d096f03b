/* The short programs: status, reset, kubeconfig. */
#include "coordinator/program.h"

#include <errno.h>

#define MINUTE_MS (60 * 1000)
#define ANY (ROLE_CONTROL_PLANE | ROLE_WORKER)

/* Only who leads is asked, and who that is, is known when all have answered. */
static int phase_meet(struct host_run *h, struct error *err)
{
    return run_pass_gate(h, GATE_PROBED, err);
}

static int phase_cluster(struct host_run *h, struct error *err)
{
    struct run *run = h->run;
    if (!h->facts.role)
        return 0; /* no cluster to ask */
    int r = run_call(h, "cluster", json_pack("{s:b}", "events", true), MINUTE_MS, &run->cluster,
                     err);
    struct error local = ERROR_INIT;
    if (r == 0 && run_call(h, "etcd", NULL, MINUTE_MS, &run->etcd, &local) < 0)
        view_warn(run->view, h->host, "%s", local.text);
    return r;
}

const struct phase *program_status(const struct host_run *h)
{
    (void) h;
    static const struct phase phases[] = {
        {"connect", ANY, phase_connect},
        {"meet", ANY, phase_meet},
        {"cluster", PHASE_LEADER, phase_cluster},
        {NULL, 0, NULL},
    };
    return phases;
}

static int phase_reset(struct host_run *h, struct error *err)
{
    AUTO_JSON *params = json_pack("{s:o}", "delete_volumes", json_texts(&h->run->delete_volumes));
    int r = session_run(h->session, "reset", NULL, params, 10 * MINUTE_MS, NULL, err);
    h->changed = r == 0;
    return r < 0 ? r : session_await_leaving(h->session, MINUTE_MS, err);
}

const struct phase *program_reset(const struct host_run *h)
{
    (void) h;
    static const struct phase phases[] = {
        {"connect", ANY, phase_connect},
        {"reset", ANY, phase_reset},
        {NULL, 0, NULL},
    };
    return phases;
}

int program_fetch_kubeconfig(struct host_run *h, struct error *err)
{
    AUTO_JSON *result = NULL;
    int r = run_call(h, "kubeconfig", NULL, MINUTE_MS, &result, err);
    if (r < 0)
        return r;
    const char *text = json_get_string(result, "kubeconfig", NULL);
    if (!text)
        return error_set(err, -EPROTO, "its agent gave no kubeconfig");
    h->run->kubeconfig = xstrdup(text);
    return 0;
}

static int phase_kubeconfig(struct host_run *h, struct error *err)
{
    if (h->facts.role)
        return program_fetch_kubeconfig(h, err);
    error_set(err, -ENOENT, "it is no control plane yet");
    return error_remedy(err, "run `bigtop-bootstrap %s` first", h->run->inv->path);
}

const struct phase *program_kubeconfig(const struct host_run *h)
{
    static const struct phase phases[] = {
        {"connect", ANY, phase_connect},
        {"meet", ANY, phase_meet},
        {"kubeconfig", PHASE_LEADER, phase_kubeconfig},
        {NULL, 0, NULL},
    };
    static const struct phase nothing[] = {{NULL, 0, NULL}};
    bool asked = (h->host->roles & ROLE_CONTROL_PLANE) && h->host->state == STATE_PRESENT;
    return asked ? phases : nothing;
}
