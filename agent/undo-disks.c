/* Data disks are unmounted; what is on them stays. */
#include "agent/data-disks.h"
#include "agent/disk-guard.h"
#include "agent/disk-unit.h"
#include "agent/ledger-kinds.h"
#include "agent/mounts.h"
#include "agent/units.h"

#include <errno.h>
#include <string.h>

static int need_unmounted(const char *mount, struct error *err)
{
    STRV(mounts);
    int r = mounts_list(&mounts, err);
    if (r < 0 || !strv_contains(&mounts, mount))
        return r < 0 ? r : 0;
    return error_set(err, -EBUSY, "%s is still mounted: end what uses it (`fuser -vm %s`)", mount,
                     mount);
}

static int unmount(const char *mount, struct error *err)
{
    AUTO_FREE char *unit = unit_name_from_path(mount, ".mount");
    struct unit_state state;
    int r = unit_stop(unit, UNIT_TIMEOUT_MS, err);
    r = r < 0 ? r : need_unmounted(mount, err);
    r = r < 0 ? r : unit_state(unit, &state, err);
    if (r == 0 && strcmp(state.enabled, "enabled") == 0)
        r = unit_disable(unit, err);
    return r < 0 ? r : disk_guard_clear(mount, err);
}

int undo_data_disk(const char *mount, struct error *err)
{
    data_disks_lock();
    (void) data_disks_forget(mount, NULL); /* a damaged list names nothing to mount either */
    int r = unmount(mount, err);
    data_disks_unlock();
    return r;
}
