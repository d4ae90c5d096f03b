/* The phases before anything is changed. */
#include "coordinator/addons.h"
#include "coordinator/command.h"
#include "coordinator/preflight.h"
#include "coordinator/program.h"
#include "kubeadm/config.h"
#include "lib/clock.h"
#include "lib/protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 10000
#define FACTS_TIMEOUT_MS 30000
#define LISTEN_SECONDS 30
#define LISTEN_TIMEOUT_MS 60000
#define REACH_TIMEOUT_MS 2000
#define ARP_TIMEOUT_MS 5000
#define REACH_NEIGHBOURS 3 /* hosts that each host tries beside the control plane */
#define KUBELET_PORT 10250
#define VXLAN_PORT 8472 /* Linux' default, flannel's and Canal's too */

static void on_progress(void *userdata, const char *text, int64_t done, int64_t total)
{
    struct host_run *h = userdata;
    view_host(h->run->view, h->index, VIEW_WORKING, h->phase, text, done, total);
}

static int take_facts(struct host_run *h, struct error *err)
{
    json_t *result = NULL;
    int r = session_call(h->session, "facts", NULL, FACTS_TIMEOUT_MS, &result, err);
    if (r < 0)
        return error_prefix(err, "ask for its facts");
    return facts_take(h->host, result, clock_wall_ms(), &h->facts, err);
}

int phase_connect(struct host_run *h, struct error *err)
{
    const struct session_options options = {
        .run = h->run->id,
        .who = h->run->who,
        .known_hosts = h->run->inv->known_hosts,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .lock = !h->run->read_only,
        .on_progress = on_progress,
        .userdata = h,
        .cancel = &interrupted,
    };
    int r = session_open(h->host, &options, &h->session, err);
    return r < 0 ? r : take_facts(h, err);
}

/* All refusals in one error: the first as the text, the others below it. */
static int refuse(struct host_run *h, const struct findings *f, struct error *err)
{
    bool first = true;
    for (size_t i = 0; i < f->count; i++) {
        if (!f->items[i].refusal)
            continue;
        if (first) {
            error_set(err, -ENOTSUP, "%s", f->items[i].text);
            error_remedy(err, "%s", f->items[i].remedy);
        } else {
            view_warn(h->run->view, h->host, "%s; %s", f->items[i].text, f->items[i].remedy);
        }
        first = false;
    }
    return run_refuse(h, err);
}

int phase_check(struct host_run *h, struct error *err)
{
    struct run *run = h->run;
    int r = program_look_at_disks(h, err);
    r = r < 0 ? r : run_pass_gate(h, GATE_PROBED, err);
    if (r < 0)
        return r;
    AUTO_FREE struct facts *all = xcalloc(run->inv->host_count, sizeof(*all));
    for (size_t i = 0; i < run->inv->host_count; i++)
        if (run->hosts[i].facts.json && run->hosts[i].host->state == STATE_PRESENT)
            all[i] = run->hosts[i].facts;
    struct findings findings = FINDINGS_INIT;
    preflight_check(run->inv, run->bundle, run->serial, all, h->index, &findings);
    preflight_network(run->inv, addons_network(run), &h->facts, &findings);
    for (size_t i = 0; i < findings.count; i++)
        if (!findings.items[i].refusal)
            view_warn(run->view, h->host, "%s; %s", findings.items[i].text,
                      findings.items[i].remedy);
    if (findings_refusals(&findings) > 0)
        r = refuse(h, &findings, err);
    findings_release(&findings);
    return r;
}

static json_t *port(const char *protocol, int number)
{
    return json_pack("{s:s,s:i}", "protocol", protocol, "port", number);
}

static bool echoes_vxlan(const json_t *result)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(result, "listening"), i, item) {
        if (json_get_int(item, "port", 0) == VXLAN_PORT &&
            strcmp(json_get_string(item, "protocol", ""), "udp") == 0)
            return true;
    }
    return false;
}

static int listen_for_others(struct host_run *h, struct error *err)
{
    if (facts_half_done(&h->facts)) { /* its API server would find the port taken */
        latch_open(&h->listening);
        return 0;
    }
    json_t *ports = json_pack("[o,o]", port("tcp", KUBELET_PORT), port("udp", VXLAN_PORT));
    if (h->host->roles & ROLE_CONTROL_PLANE)
        json_array_append_new(ports, port("tcp", KUBEADM_API_PORT));
    json_t *params = json_pack("{s:o,s:i}", "ports", ports, "seconds", LISTEN_SECONDS);
    AUTO_JSON *result = NULL;
    int r = run_call(h, "listen", params, LISTEN_TIMEOUT_MS, &result, err);
    if (r < 0)
        return r;
    h->listens = true;
    h->echoes = echoes_vxlan(result);
    latch_open(&h->listening);
    return 0;
}

/* Adds one target when the other host is alive and listening. */
static void add_target(struct host_run *h, struct host_run *other, const char *protocol, int number,
                       json_t *targets)
{
    if (other == h || run_wait(h, &other->listening, LISTEN_TIMEOUT_MS, NULL) < 0)
        return;
    /* Where VXLAN has the port already nobody echoes; that host asks the new ones instead. */
    if (!other->listens || (number == VXLAN_PORT && !other->echoes))
        return;
    json_array_append_new(targets, json_pack("{s:s,s:s,s:i}", "address", other->facts.node_ip,
                                             "protocol", protocol, "port", number));
}

static json_t *targets_of(struct host_run *h)
{
    struct run *run = h->run;
    size_t n = run->inv->host_count;
    struct host_run *control = run_control_plane(run);
    json_t *targets = json_array();
    add_target(h, control, "tcp", KUBEADM_API_PORT, targets);
    add_target(h, control, "udp", VXLAN_PORT, targets);
    for (size_t i = 1; i <= REACH_NEIGHBOURS && i < n; i++) {
        struct host_run *other = &run->hosts[(h->index + i) % n];
        if (other != control)
            add_target(h, other, "udp", VXLAN_PORT, targets);
    }
    /* The API server asks every kubelet (logs, exec). */
    for (size_t i = 0; h == control && i < n; i++)
        add_target(h, &run->hosts[i], "tcp", KUBELET_PORT, targets);
    return targets;
}

static int judge(const json_t *result, struct error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(result, "results"), i, item) {
        if (json_get_bool(item, "ok", false))
            continue;
        error_set(err, -ENOTSUP, "cannot reach %s on %s port %" PRId64 ": %s",
                  json_get_string(item, "address", "?"), json_get_string(item, "protocol", "?"),
                  json_get_int(item, "port", 0), json_get_string(item, "cause", "no answer"));
        return error_remedy(err,
                            "open that port between the hosts in their firewalls (TCP 6443 and "
                            "10250, UDP 8472), or mend the route");
    }
    return 0;
}

bool program_somebody_is_new(const struct run *run)
{
    for (size_t i = 0; i < run->inv->host_count; i++)
        if (run->hosts[i].host->state == STATE_PRESENT && run->hosts[i].facts.json &&
            !run->hosts[i].facts.role)
            return true;
    return false;
}

/* Takes targets. */
static int reach(struct host_run *h, json_t *targets, struct error *err)
{
    AUTO_JSON *result = NULL;
    json_t *params = json_pack("{s:o,s:i}", "targets", targets, "timeout_ms", REACH_TIMEOUT_MS);
    int r = run_call(h, "reach", params, LISTEN_TIMEOUT_MS, &result, err);
    if (r < 0)
        return r;
    r = judge(result, err);
    return r < 0 ? run_refuse(h, err) : 0;
}

static bool is_first_of_a_new_cluster(struct host_run *h)
{
    const struct run *run = h->run;
    for (size_t i = 0; i < run->inv->host_count; i++)
        if ((run->hosts[i].host->roles & ROLE_CONTROL_PLANE) &&
            (run->hosts[i].facts.role || facts_half_done(&run->hosts[i].facts)))
            return false;
    return h == run_control_plane(h->run);
}

/* Before there is a cluster nobody may answer for the virtual IP. It is in this host's network: a
 * free one is unreachable once ARP has given up (3 s); refused or silent, somebody has it. */
static int look_for_virtual_ip(struct host_run *h, struct error *err)
{
    const char *address = h->run->inv->virtual_ip;
    if (!address || !is_first_of_a_new_cluster(h))
        return 0;
    AUTO_JSON *result = NULL;
    json_t *params = json_pack("{s:[{s:s,s:s,s:i}],s:i}", "targets", "address", address, "protocol",
                               "tcp", "port", KUBEADM_API_PORT, "timeout_ms", ARP_TIMEOUT_MS);
    int r = run_call(h, "reach", params, LISTEN_TIMEOUT_MS, &result, err);
    if (r < 0)
        return r;
    const json_t *first = json_array_get(json_object_get(result, "results"), 0);
    const char *cause = json_get_string(first, "cause", "");
    bool refused = strcmp(cause, strerror(ECONNREFUSED)) == 0;
    if (!json_get_bool(first, "ok", false) && !refused && strncmp(cause, "no answer", 9) != 0)
        return 0;
    error_set(err, -ENOTSUP, "some machine has the virtual IP %s already", address);
    error_remedy(err, "choose a free `virtual_ip:` under `cluster:` in hosts.yaml");
    return run_refuse(h, err);
}

static int try_to_reach(struct host_run *h, struct error *err)
{
    int r = listen_for_others(h, err);
    r = r < 0 ? r : look_for_virtual_ip(h, err);
    if (r < 0)
        return r;
    AUTO_JSON *targets = targets_of(h);
    for (size_t i = 0; r == 0 && i < json_array_size(targets); i += REACH_TARGETS_MAX) {
        json_t *some = json_array();
        for (size_t k = i; k < i + REACH_TARGETS_MAX; k++)
            json_array_append(some, json_array_get(targets, k));
        r = reach(h, some, err);
    }
    return r;
}

int phase_reach(struct host_run *h, struct error *err)
{
    int r = program_somebody_is_new(h->run) ? try_to_reach(h, err) : 0;
    return r < 0 ? r : run_pass_gate(h, GATE_CHECKED, err);
}

/* Hosts may have swapped addresses: a node that is to stay must not be removed in their place. */
static int check_leaving(struct host_run *h, struct error *err)
{
    const struct run *run = h->run;
    for (size_t i = 0; i < run->inv->host_count; i++) {
        const struct host_run *other = &run->hosts[i];
        const char *name = other->facts.node_name ? other->facts.node_name : other->host->name;
        if (other->host->state == STATE_ABSENT || !name || strcmp(name, h->facts.node_name) != 0)
            continue;
        error_set(err, -ENOTSUP, "it is to leave, and its node name %s is also that of %s", name,
                  host_label(other->host));
        error_remedy(err, "correct the addresses in hosts.yaml, or give each host its `name:`");
        return run_refuse(h, err);
    }
    return 0;
}

int phase_pass_gates(struct host_run *h, struct error *err)
{
    static const struct error leaving = {.code = -ENODEV, .text = "it leaves the cluster"};
    latch_fail(&h->listening, &leaving);
    latch_fail(&h->joined, &leaving);
    int r = run_pass_gate(h, GATE_PROBED, err);
    if (r == 0)
        r = check_leaving(h, err);
    return r < 0 ? r : run_pass_gate(h, GATE_CHECKED, err);
}
