#include "agent/swap.h"

#include "agent/fstab.h"
#include "agent/units.h"
#include "lib/fd.h"
#include "lib/proc-text.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/swap.h>

#define PROC_SWAPS "/proc/swaps"
#define FSTAB "/etc/fstab"
#define ADMIN_UNITS "/etc/systemd/system/"
#define PROC_SIZE_MAX (64 * 1024)

static void active_devices(struct strv *devices)
{
    STRBUF(text, PROC_SIZE_MAX);
    if (file_read(PROC_SWAPS, &text, NULL) == 0) { /* a kernel without swap has no such file */
        proc_swaps(text.data, devices);
    }
}

/* Units that turn swap on again at the next boot or by a timer: those of fstab vanish with its
 * entries, those of partition tables, zram and the administrator have to be masked. */
static int units_to_mask(struct strv *units, struct error *err)
{
    STRV(all);
    int r = units_list("*.swap", &all, err);
    for (size_t i = 0; r >= 0 && i < all.count; i++) {
        struct unit_state state;
        r = unit_state(all.items[i], &state, err);
        if (r >= 0 && strcmp(state.load, "loaded") == 0) {
            strv_add(units, all.items[i]);
        }
    }
    return r < 0 ? r : 0;
}

/* 0 and the new text when fstab has swap entries, -ENOENT when it has none. */
static int fstab_rewritten(struct strbuf *rewritten, mode_t *mode, struct error *err)
{
    STRBUF(text, FSTAB_SIZE_MAX);
    struct stat st;
    if (stat(FSTAB, &st) < 0) {
        return -ENOENT;
    }
    int r = file_read(FSTAB, &text, err);
    if (r < 0) {
        return r;
    }
    *mode = st.st_mode & 07777;
    return fstab_without_swap(text.data, text.len, rewritten) > 0 ? 0 : -ENOENT;
}

int swap_check(struct strv *differences, struct error *err)
{
    size_t before = differences->count;
    STRV(devices);
    active_devices(&devices);
    for (size_t i = 0; i < devices.count; i++) {
        strv_addf(differences, "turn off swap on %s", devices.items[i]);
    }
    STRV(units);
    int r = units_to_mask(&units, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < units.count; i++) {
        strv_addf(differences, "mask %s", units.items[i]);
    }
    STRBUF(text, 2 * FSTAB_SIZE_MAX);
    mode_t mode;
    r = fstab_rewritten(&text, &mode, err);
    if (r < 0 && r != -ENOENT) {
        return r;
    }
    if (r == 0) {
        strv_addf(differences, "comment swap out in %s", FSTAB);
    }
    return differences->count == before;
}

static int fstab_comment(struct ledger *ledger, struct error *err)
{
    STRBUF(text, 2 * FSTAB_SIZE_MAX);
    mode_t mode = 0;
    int r = fstab_rewritten(&text, &mode, err);
    if (r < 0) {
        return r == -ENOENT ? 0 : r;
    }
    return ledger_write_file(ledger, FSTAB, text.data, text.len, mode, err);
}

static int devices_off(const struct step_context *ctx, struct error *err)
{
    STRV(devices);
    active_devices(&devices);
    for (size_t i = 0; i < devices.count; i++) {
        const char *device = devices.items[i];
        step_progress(ctx, (int64_t) i, (int64_t) devices.count, "turning off swap on %s", device);
        int r = ledger_swap_off(ctx->ledger, device, err);
        if (r < 0) {
            return r;
        }
        if (swapoff(device) < 0 && errno != EINVAL) { /* EINVAL: its unit was quicker */
            error_errno(err, -errno, "swapoff %s", device);
            return error_remedy(err, "free memory on the host, or keep swap with `swap: keep`");
        }
    }
    return 0;
}

static int mask(struct ledger *ledger, const char *unit, struct error *err)
{
    struct unit_state state;
    int r = unit_state(unit, &state, err);
    r = r < 0 ? r : ledger_unit(ledger, unit, err);
    if (r < 0) {
        return r;
    }
    /* systemd refuses to mask over a file, and forgets a link: the ledger keeps either. */
    if (strncmp(state.fragment, ADMIN_UNITS, strlen(ADMIN_UNITS)) != 0) {
        return unit_mask(unit, err);
    }
    r = ledger_symlink(ledger, state.fragment, "/dev/null", err);
    return r < 0 ? r : units_daemon_reload(err);
}

int swap_turn_off(const struct step_context *ctx, struct error *err)
{
    STRV(units);
    int r = units_to_mask(&units, err);
    if (r < 0) {
        return r;
    }
    r = devices_off(ctx, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < units.count; i++) {
        r = mask(ctx->ledger, units.items[i], err);
        if (r < 0) {
            return r;
        }
    }
    r = fstab_comment(ctx->ledger, err);
    return r == 1 ? units_daemon_reload(err) : r;
}
