/* The phases before anything is changed. */
#include "coordinator/addons.h"
#include "coordinator/command.h"
#include "coordinator/params.h"
#include "coordinator/ports.h"
#include "coordinator/preflight.h"
#include "coordinator/program.h"
#include "coordinator/stack-hosts.h"
#include "kubeadm/config.h"
#include "lib/clock.h"
#include "lib/protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define FACTS_TIMEOUT_MS 30000
#define CLOCK_TIMEOUT_MS 30000
#define LISTEN_SECONDS 30
#define LISTEN_TIMEOUT_MS 60000
#define REACH_TIMEOUT_MS 2000
#define ARP_TIMEOUT_MS 5000
#define REACH_NEIGHBOURS 3 /* hosts that each host tries beside the control plane */

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

/* After *probed*; of hosts that answered and stay. They keep what is in it. */
static struct facts *all_facts(const struct run *run)
{
    struct facts *all = xcalloc(run->inv->host_count, sizeof(*all));
    for (size_t i = 0; i < run->inv->host_count; i++)
        if (run->hosts[i].facts.json && run->hosts[i].host->state == STATE_PRESENT)
            all[i] = run->hosts[i].facts;
    return all;
}

/* Before anything that is valid from a time on is made. */
int phase_clock(struct host_run *h, struct error *err)
{
    const char *whom;
    AUTO_TASK t = {.step = "clock", .timeout_ms = CLOCK_TIMEOUT_MS};
    if (!facts_lacks_clock(&h->facts))
        return 0;
    AUTO_FREE struct facts *all = all_facts(h->run);
    int64_t wanted = clock_wall_ms() + preflight_clock(h->run->inv, all, h->index, &whom);
    t.params = json_pack("{s:I}", "time_ms", (json_int_t) wanted);
    int r = program_ensure(h, &t, NULL, err);
    return r < 0 ? r : 0;
}

int phase_check(struct host_run *h, struct error *err)
{
    struct run *run = h->run;
    int r = program_look_at_disks(h, err);
    r = r < 0 ? r : run_pass_gate(h, GATE_PROBED, err);
    if (r < 0)
        return r;
    AUTO_FREE struct facts *all = all_facts(run);
    struct findings findings = FINDINGS_INIT;
    preflight_check(run->inv, run->bundle, run->serial, all, h->index, &findings);
    preflight_network(run->inv, addons_network(run), &h->facts, &findings);
    if (h == run_control_plane(run))
        stack_hosts_check(run, &findings);
    for (size_t i = 0; i < findings.count; i++)
        if (!findings.items[i].refusal)
            view_warn(run->view, h->host, "%s; %s", findings.items[i].text,
                      findings.items[i].remedy);
    if (findings_refusals(&findings) > 0)
        r = refuse(h, &findings, err);
    findings_release(&findings);
    return r;
}

static bool echoes_vxlan(const json_t *result)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(result, "listening"), i, item) {
        if (json_get_int(item, "port", 0) == PORT_VXLAN &&
            strcmp(json_get_string(item, "protocol", ""), "udp") == 0)
            return true;
    }
    return false;
}

/* Its API server and etcd would find their ports taken when they start. */
static bool starts_meanwhile(const struct host_run *h)
{
    bool is_plane = h->host->roles & ROLE_CONTROL_PLANE;
    return facts_half_done(&h->facts) ||
           (h->facts.role && is_plane && !facts_bool(&h->facts, "node", "answers", false));
}

int program_listen(struct host_run *h, struct error *err)
{
    if (starts_meanwhile(h))
        return 0;
    json_t *params = json_pack("{s:o,s:i}", "ports", ports_tried(h), "seconds", LISTEN_SECONDS);
    AUTO_JSON *result = NULL;
    int r = run_call(h, "listen", params, LISTEN_TIMEOUT_MS, &result, err);
    if (r < 0)
        return r;
    h->listens = true;
    h->echoes = echoes_vxlan(result);
    return 0;
}

/* Adds one target when the other host is alive and listening. */
static void add_target(struct host_run *h, struct host_run *other, const char *protocol, int number,
                       json_t *targets)
{
    if (other == h || run_wait(h, &other->listening, LISTEN_TIMEOUT_MS, NULL) < 0)
        return;
    /* Where VXLAN has the port already nobody echoes; that host asks the new ones instead. */
    if (!other->listens || (number == PORT_VXLAN && !other->echoes))
        return;
    json_array_append_new(targets, json_pack("{s:s,s:s,s:i,s:I}", "address", other->facts.node_ip,
                                             "protocol", protocol, "port", number, "host",
                                             (json_int_t) other->index));
}

/* etcd's members talk to each other, and API servers to all of them. */
static void add_control_planes(struct host_run *h, json_t *targets)
{
    struct run *run = h->run;
    for (size_t i = 0; i < run->inv->host_count; i++) {
        struct host_run *other = &run->hosts[i];
        if (!(other->host->roles & ROLE_CONTROL_PLANE))
            continue;
        add_target(h, other, "tcp", KUBEADM_API_PORT, targets);
        add_target(h, other, "udp", PORT_VXLAN, targets);
        add_target(h, other, "tcp", EXCHANGE_PORT, targets);
        if (!(h->host->roles & ROLE_CONTROL_PLANE))
            continue;
        add_target(h, other, "tcp", PORT_ETCD, targets);
        add_target(h, other, "tcp", PORT_ETCD + 1, targets);
    }
}

static json_t *targets_of(struct host_run *h)
{
    struct run *run = h->run;
    size_t n = run->inv->host_count;
    json_t *targets = json_array();
    add_control_planes(h, targets);
    for (size_t i = 1; i <= REACH_NEIGHBOURS && i < n; i++) {
        struct host_run *other = &run->hosts[(h->index + i) % n];
        if (other->host->roles & ROLE_CONTROL_PLANE)
            continue;
        add_target(h, other, "udp", PORT_VXLAN, targets);
        add_target(h, other, "tcp", EXCHANGE_PORT, targets);
    }
    /* The API servers ask every kubelet (logs, exec). */
    for (size_t i = 0; (h->host->roles & ROLE_CONTROL_PLANE) && i < n; i++)
        add_target(h, &run->hosts[i], "tcp", PORT_KUBELET, targets);
    return targets;
}

bool program_somebody_is_new(const struct run *run)
{
    for (size_t i = 0; i < run->inv->host_count; i++)
        if (run->hosts[i].host->state == STATE_PRESENT && run->hosts[i].facts.json &&
            !run->hosts[i].facts.role)
            return true;
    return false;
}

/* Results come in the order of the targets: each that failed gets its host's index again. */
static void collect_failed(const json_t *targets, const json_t *result, json_t *failed)
{
    const json_t *results = json_object_get(result, "results");
    for (size_t i = 0; i < json_array_size(targets); i++) {
        json_t *item = json_array_get(results, i);
        if (json_get_bool(item, "ok", false))
            continue;
        json_t *copy = json_copy(json_array_get(targets, i));
        json_object_set_new(copy, "cause",
                            json_string(json_get_string(item, "cause", "no answer")));
        json_array_append_new(failed, copy);
    }
}

int program_reach(struct host_run *h, const json_t *targets, json_t **failed, struct error *err)
{
    int r = 0;
    AUTO_JSON *found = json_array();
    for (size_t i = 0; r == 0 && i < json_array_size(targets); i += REACH_TARGETS_MAX) {
        AUTO_JSON *some = json_array();
        AUTO_JSON *result = NULL;
        for (size_t k = i; k < i + REACH_TARGETS_MAX && k < json_array_size(targets); k++)
            json_array_append(some, json_array_get(targets, k));
        json_t *params = json_pack("{s:O,s:i}", "targets", some, "timeout_ms", REACH_TIMEOUT_MS);
        r = run_call(h, "reach", params, LISTEN_TIMEOUT_MS, &result, err);
        if (r == 0)
            collect_failed(some, result, found);
    }
    if (r == 0)
        *failed = TAKE_PTR(found);
    return r;
}

static void set_shut(struct host_run *h, json_t *target)
{
    h->shut = h->shut ? h->shut : json_array();
    json_array_append(h->shut, target);
    pthread_mutex_lock(&h->run->mutex);
    h->run->shut = true;
    pthread_mutex_unlock(&h->run->mutex);
}

/* What a firewall shuts that will be opened is tried again then. Without the exchange's port the
 * host is fed by us alone. */
static int judge(struct host_run *h, json_t *target, struct error *err)
{
    const struct host_run *other = &h->run->hosts[json_get_int(target, "host", 0)];
    const char *protocol = json_get_string(target, "protocol", "?");
    int number = (int) json_get_int(target, "port", 0);
    if (ports_will_open(other, h, protocol, number)) {
        set_shut(h, target);
        return 0;
    }
    if (number == EXCHANGE_PORT) {
        view_warn(h->run->view, h->host,
                  "cannot reach %s on tcp port %d: they pass the bundle on to each other through "
                  "this machine only, which is slower",
                  host_label(other->host), number);
        return 0;
    }
    error_set(err, -ENOTSUP, "cannot reach %s on %s port %d: %s", other->facts.node_ip, protocol,
              number, json_get_string(target, "cause", "no answer"));
    error_remedy(err,
                 "open that port for %s in the firewall of %s, or between them, or mend the "
                 "route",
                 h->facts.node_ip, host_label(other->host));
    return run_refuse(h, err);
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
    int r = program_listen(h, err);
    if (r < 0)
        return r;
    latch_open(&h->listening);
    r = look_for_virtual_ip(h, err);
    if (r < 0)
        return r;
    AUTO_JSON *targets = targets_of(h);
    AUTO_JSON *failed = NULL;
    r = program_reach(h, targets, &failed, err);
    for (size_t i = 0; r == 0 && i < json_array_size(failed); i++)
        r = judge(h, json_array_get(failed, i), err);
    return r;
}

int phase_reach(struct host_run *h, struct error *err)
{
    int r = program_somebody_is_new(h->run) ? try_to_reach(h, err) : 0;
    return r < 0 ? r : run_pass_gate(h, GATE_CHECKED, err);
}

/* Hosts may have swapped addresses, or one has two: what is to stay must not go in its place. */
static int check_against(struct host_run *h, const struct host_run *other, struct error *err)
{
    const char *name = other->facts.node_name ? other->facts.node_name : other->host->name;
    const char *machine = json_get_string(other->facts.json, "machine_id", "");
    bool same_machine = *machine &&
                        strcmp(machine, json_get_string(h->facts.json, "machine_id", "")) == 0;
    if (name && strcmp(name, h->facts.node_name) == 0)
        error_set(err, -ENOTSUP, "it is to leave, and its node name %s is also that of %s", name,
                  host_label(other->host));
    else if (same_machine)
        error_set(err, -ENOTSUP, "it is to leave, and it is the same machine as %s, which stays",
                  host_label(other->host));
    else
        return 0;
    error_remedy(err, "correct the addresses in hosts.yaml, or give each host its `name:`");
    return run_refuse(h, err);
}

static int check_leaving(struct host_run *h, struct error *err)
{
    struct run *run = h->run;
    for (size_t i = 0; i < run->inv->host_count; i++) {
        const struct host_run *other = &run->hosts[i];
        int r = other->host->state == STATE_PRESENT ? check_against(h, other, err) : 0;
        if (r < 0)
            return r;
    }
    const char *ours = run_control_plane(run)->facts.cluster, *its = h->facts.cluster;
    if (!its || !ours || strcmp(its, ours) == 0)
        return 0;
    error_set(err, -ENOTSUP, "it is to leave, but it is a node of another cluster");
    error_remedy(err, "take its line out of this hosts.yaml, or correct the address");
    return run_refuse(h, err);
}

int phase_pass_gates(struct host_run *h, struct error *err)
{
    static const struct error leaving = {.code = -ENODEV, .text = "it leaves the cluster"};
    latch_fail(&h->listening, &leaving);
    latch_fail(&h->joined, &leaving);
    int r = run_pass_gate(h, GATE_PROBED, err);
    if (r == 0)
        r = check_leaving(h, err);
    run_arrive(h, GATE_OPENED);
    run_arrive(h, GATE_TRIED);
    return r < 0 ? r : run_pass_gate(h, GATE_CHECKED, err);
}
