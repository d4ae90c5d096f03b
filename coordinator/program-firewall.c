/* Ports of the hosts' firewalls: opened where one runs, and then tried. */
#include "coordinator/ports.h"
#include "coordinator/program.h"

#include <errno.h>

#define OPEN_TIMEOUT_MS (6 * 60 * 1000)

int phase_firewall(struct host_run *h, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    if (!ports_has_firewall(&h->facts))
        return 0;
    if (ports_task(h, &t) == 0) {
        view_warn(h->run->view, h->host,
                  "its firewall is left as it is: not every other host's address is known");
        return 0;
    }
    int r = program_ensure(h, &t, NULL, err);
    return r < 0 ? r : 0;
}

/* Whose firewall is open now; who failed meanwhile is nobody to reach. */
static json_t *opened_targets(struct host_run *h)
{
    json_t *targets = json_array(), *target;
    size_t i;
    json_array_foreach(h->shut, i, target) {
        struct host_run *other = &h->run->hosts[json_get_int(target, "host", 0)];
        if (run_wait(h, &other->opened, OPEN_TIMEOUT_MS, NULL) == 0)
            json_array_append(targets, target);
    }
    return targets;
}

static int try_again(struct host_run *h, struct error *err)
{
    AUTO_JSON *targets = opened_targets(h);
    AUTO_JSON *failed = NULL;
    int r = program_reach(h, targets, &failed, err);
    if (r < 0 || json_array_size(failed) == 0)
        return r;
    const json_t *first = json_array_get(failed, 0);
    const char *other = host_label(h->run->hosts[json_get_int(first, "host", 0)].host);
    error_set(err, -EHOSTUNREACH,
              "cannot reach %s on %s port %d, although its firewall was opened for it: %s", other,
              json_get_string(first, "protocol", "?"), (int) json_get_int(first, "port", 0),
              json_get_string(first, "cause", "no answer"));
    return error_remedy(err, "look for another firewall on %s or between the hosts, and run again",
                        other);
}

/* Listeners are there only after the slowest firewall is open, as they do not live long; and nobody
 * takes their ports before everybody has tried. */
int phase_opened(struct host_run *h, struct error *err)
{
    struct run *run = h->run;
    if (run->read_only || !run->shut)
        return 0;
    int r = run_pass_gate(h, GATE_OPENED, err);
    if (r == 0 && ports_has_firewall(&h->facts))
        r = program_listen(h, err);
    if (r < 0)
        return r;
    latch_open(&h->opened);
    r = h->shut ? try_again(h, err) : 0;
    return r < 0 ? r : run_pass_gate(h, GATE_TRIED, err);
}
