/* Data disks: looked at before anything is changed, then attached. */
#include "coordinator/preflight-disks.h"
#include "coordinator/program.h"

#define MINUTE_MS (60 * 1000)
#define LOOK_TIMEOUT_MS (2 * MINUTE_MS)  /* disks that sleep have to spin up */
#define STEP_TIMEOUT_MS (15 * MINUTE_MS) /* mkfs discards whole disks */

int program_look_at_disks(struct host_run *h, struct error *err)
{
    if (h->host->disk_count == 0)
        return 0;
    json_t *params = json_pack("{s:o}", "wanted", disks_wishes(h->host));
    int r = run_call(h, "disks", params, LOOK_TIMEOUT_MS, &h->facts.disks, err);
    return r < 0 ? error_prefix(err, "look at its disks") : 0;
}

int phase_disks(struct host_run *h, struct error *err)
{
    if (h->host->disk_count == 0)
        return 0;
    AUTO_TASK t = {.step = "disks", .timeout_ms = STEP_TIMEOUT_MS};
    t.params = json_pack("{s:o}", "disks", disks_wishes(h->host));
    int r = program_ensure(h, &t, NULL, err);
    return r < 0 ? r : 0;
}
