#include "iso/restart.h"

#include "lib/process.h"

#define TIMEOUT_MS 60000

int machine_restart(struct error *err)
{
    static const char *const reboot[] = {"systemctl", "reboot", NULL};
    const struct process_options opts = {.timeout_ms = TIMEOUT_MS};
    return process_run(reboot, &opts, NULL, err);
}
