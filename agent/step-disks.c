#include "agent/data-disks.h"
#include "agent/disk-format.h"
#include "agent/disk-guard.h"
#include "agent/disk-unit.h"
#include "agent/disk-watch.h"
#include "agent/step.h"
#include "agent/units.h"
#include "lib/disk-choice.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIT_DIR "/etc/systemd/system"
#define TRIM_TIMER "fstrim.timer"
#define MOUNT_TIMEOUT_MS 120000 /* a file system check of the unit's comes before */

/* One wish and what was found for it. */
struct plan {
    const json_t *wish;
    struct disk_choice choice;
    const char *mount, *fs, *label; /* of the wish */
    bool mounted;                   /* there already */
};

struct plans {
    json_t *disks; /* what the choices borrow from */
    struct plan items[DISK_WISHES_MAX];
    size_t count;
};

static void plans_release(struct plans *p)
{
    json_decref(p->disks);
}
#define AUTO_PLANS CLEANUP(plans_release) struct plans

static int need_program(const struct plan *p, struct error *err)
{
    const char *program = disk_format_program(p->fs);
    if (p->choice.fate == DISK_ATTACH || process_in_path(program))
        return 0;
    error_set(err, -ENOENT, "the program `%s` is missing", program);
    return error_remedy(err, "install the package %s on the host",
                        strcmp(p->fs, "xfs") == 0 ? "xfsprogs" : "e2fsprogs");
}

static int need_mount_point(const struct plan *p, struct error *err)
{
    int r = p->mounted ? 1 : path_is_empty(p->mount, err);
    if (r != 0)
        return r < 0 ? r : 0;
    error_set(err, -ENOTEMPTY, "%s holds files, which the disk would hide", p->mount);
    return error_remedy(err, "move them away, or choose another mount point");
}

static int make_plan(const json_t *disks, const json_t *wishes, size_t i, struct plan *p,
                     struct error *err)
{
    *p = (struct plan){.wish = json_array_get(wishes, i)};
    p->mount = json_get_string(p->wish, "mount", "");
    p->fs = json_get_string(p->wish, "fs", "");
    p->label = json_get_string(p->wish, "label", "");
    int r = disk_choose(disks, wishes, i, &p->choice, err);
    if (r < 0)
        return r;
    p->mounted = json_has_text(json_object_get(p->choice.disk, "mounts"), p->mount);
    r = need_program(p, err);
    return r < 0 ? r : need_mount_point(p, err);
}

/* All of them, before anything is done to the first. */
static int make_plans(const struct step_context *ctx, const json_t *params, struct plans *out,
                      struct error *err)
{
    const struct disks_context disks = disk_format_context(ctx->ledger);
    const json_t *wishes = json_object_get(params, "disks");
    int r = disk_wishes_check(wishes, err);
    if (r == 0)
        r = disks_list(&disks, wishes, &out->disks, err);
    for (size_t i = 0; r == 0 && i < json_array_size(wishes); i++)
        r = make_plan(out->disks, wishes, out->count++, &out->items[i], err);
    return r;
}

static const char *signature_uuid(const struct plan *p)
{
    const json_t *signatures = json_object_get(p->choice.disk, "signatures");
    return json_get_string(json_array_get(signatures, 0), "uuid", "");
}

/* udev makes the links by UUID; without it (containers) there is only the disk's own path. */
static struct disk_mount mount_of(const struct plan *p, const char *uuid)
{
    bool udev = access("/run/udev/control", F_OK) == 0;
    const char *node = json_get_string(p->choice.disk, "node", NULL);
    return (struct disk_mount){
        .label = p->label,
        .uuid = uuid,
        .fs = p->fs,
        .mount = p->mount,
        .path = udev ? NULL : json_get_string(p->wish, "path", node),
    };
}

static bool unit_is_as_rendered(const struct disk_mount *m, const char *unit)
{
    STRBUF(text, 4096);
    AUTO_FREE char *path = xasprintf(UNIT_DIR "/%s", unit);
    disk_unit_render(m, &text);
    return file_is(path, text.data, text.len, 0644) == 1;
}

static json_t *entry_of(const struct plan *p, const struct disk_mount *m, const char *unit)
{
    AUTO_FREE char *source = disk_unit_source(m);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "mount", p->mount, "unit", unit,
                     "source", source, "uuid", m->uuid, "fs", p->fs, "label", p->label, "identity",
                     disk_identity(p->choice.disk, p->wish));
}

static bool is_remembered(const json_t *entry)
{
    AUTO_JSON *all = NULL;
    size_t i;
    json_t *known;
    if (data_disks_read(&all, NULL) < 0)
        return false;
    json_array_foreach(all, i, known)
        if (json_equal(known, entry))
            return true;
    return false;
}

/* An attached disk, with all that keeps it so. */
static bool is_settled(const struct plan *p)
{
    struct disk_mount m = mount_of(p, signature_uuid(p));
    AUTO_FREE char *unit = unit_name_from_path(p->mount, ".mount");
    AUTO_JSON *entry = entry_of(p, &m, unit);
    return p->mounted && unit_is_as_rendered(&m, unit) && is_remembered(entry) &&
           unit_is_enabled(unit) && strcmp(data_disk_state(entry), "mounted") == 0;
}

static void add_difference(const struct plan *p, struct strv *differences)
{
    STRBUF(disk, 512);
    disk_describe(p->choice.disk, &disk);
    if (p->choice.fate == DISK_FORMAT)
        strv_addf(differences, "make %s on disk %s and mount it at %s", p->fs, disk.data, p->mount);
    else if (p->choice.fate == DISK_WIPE)
        strv_addf(differences, "WIPE disk %s, make %s on it and mount it at %s", disk.data, p->fs,
                  p->mount);
    else if (!is_settled(p))
        strv_addf(differences, "attach disk %s, as it is, at %s", disk.data, p->mount);
}

static bool trim_is_off(void)
{
    struct unit_state state;
    return unit_state(TRIM_TIMER, &state, NULL) == 0 && strcmp(state.load, "loaded") == 0 &&
           strcmp(state.enabled, "disabled") == 0;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    size_t before = differences->count;
    AUTO_PLANS plans = {0};
    int r = make_plans(ctx, params, &plans, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < plans.count; i++)
        add_difference(&plans.items[i], differences);
    if (plans.count > 0 && trim_is_off())
        strv_add(differences, "tell disks once a week what is free (" TRIM_TIMER ")");
    return differences->count == before;
}

static int write_text(const struct step_context *ctx, const char *path, const struct strbuf *text,
                      struct error *err)
{
    return ledger_write_file(ctx->ledger, path, text->data, text->len, 0644, err);
}

/* For a device whose name systemd waits for. */
static int write_timeout(const struct step_context *ctx, const struct disk_mount *m,
                         struct error *err)
{
    STRBUF(text, 4096);
    AUTO_FREE char *source = disk_unit_source(m);
    AUTO_FREE char *device = unit_name_from_path(source, ".device.d");
    AUTO_FREE char *path = xasprintf(UNIT_DIR "/%s/50-bigtop.conf", device);
    if (strncmp(source, "/dev/", 5) != 0)
        return 0;
    disk_unit_render_timeout(&text);
    return write_text(ctx, path, &text, err);
}

/* The order is that of undoing, turned round: its folder and unit go when it is unmounted. */
static int install(const struct step_context *ctx, const struct plan *p, const struct disk_mount *m,
                   const char *unit, struct error *err)
{
    STRBUF(text, 4096);
    AUTO_FREE char *path = xasprintf(UNIT_DIR "/%s", unit);
    AUTO_JSON *entry = entry_of(p, m, unit);
    disk_unit_render(m, &text);
    int r = ledger_mkdir(ctx->ledger, p->mount, 0755, err);
    r = r < 0 ? r : ledger_will_appear(ctx->ledger, "data", p->mount, err);
    r = r < 0 ? r : write_text(ctx, path, &text, err);
    r = r < 0 ? r : write_timeout(ctx, m, err);
    r = r < 0 ? r : ledger_will_appear(ctx->ledger, "data-disk", p->mount, err);
    if (r >= 0 && !p->mounted)
        r = disk_guard_set(p->mount, err);
    r = r < 0 ? r : units_daemon_reload(err);
    r = r < 0 ? r : unit_enable(unit, err);
    return r < 0 ? r : data_disks_remember(entry, err);
}

/* A descriptor of the disk with its file system, made where that is still to be done. */
static int open_disk(const struct step_context *ctx, const json_t *wishes, size_t i,
                     const struct plan *p, char uuid[UUID_SIZE], int *out, struct error *err)
{
    if (p->choice.fate != DISK_ATTACH)
        return disk_format(ctx, wishes, i, &p->choice, uuid, out, err);
    const char *node = json_get_string(p->choice.disk, "node", "");
    snprintf(uuid, UUID_SIZE, "%s", signature_uuid(p));
    *out = open(node, O_RDONLY | O_CLOEXEC);
    return *out < 0 ? error_errno(err, -errno, "open %s", node) : 0;
}

static int attach(const struct step_context *ctx, const json_t *wishes, size_t i,
                  const struct plan *p, struct error *err)
{
    char uuid[UUID_SIZE] = "";
    AUTO_FD device = -1;
    AUTO_FREE char *unit = unit_name_from_path(p->mount, ".mount");
    int r = open_disk(ctx, wishes, i, p, uuid, &device, err);
    if (r == 0 && !p->mounted)
        r = disk_marker_ensure(device, p->fs, p->label, uuid, p->choice.fate != DISK_ATTACH, err);
    fd_close(&device);
    struct disk_mount m = mount_of(p, uuid);
    r = r < 0 ? r : install(ctx, p, &m, unit, err);
    if (r < 0)
        return r;
    step_progress(ctx, (int64_t) i, (int64_t) json_array_size(wishes), "mounting %s", p->mount);
    r = unit_start(unit, MOUNT_TIMEOUT_MS, err);
    return r < 0 ? error_remedy(err, "look at `journalctl -u %s` on the host", unit) : 0;
}

static int turn_trim_on(const struct step_context *ctx, struct error *err)
{
    if (!trim_is_off())
        return 0;
    int r = ledger_unit(ctx->ledger, TRIM_TIMER, err);
    r = r < 0 ? r : unit_enable(TRIM_TIMER, err);
    return r < 0 ? r : unit_start(TRIM_TIMER, UNIT_TIMEOUT_MS, err);
}

static int attach_all(const struct step_context *ctx, const json_t *wishes,
                      const struct plans *plans, struct error *err)
{
    for (size_t i = 0; i < plans->count; i++) {
        const struct plan *p = &plans->items[i];
        STRBUF(disk, 512);
        disk_describe(p->choice.disk, &disk);
        if (p->choice.fate == DISK_ATTACH && is_settled(p))
            continue;
        if (attach(ctx, wishes, i, p, err) < 0)
            return error_prefix(err, "disk %s", disk.data);
    }
    return 0;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    AUTO_PLANS plans = {0};
    int r = make_plans(ctx, params, &plans, err);
    if (r < 0)
        return r;
    data_disks_lock();
    r = attach_all(ctx, json_object_get(params, "disks"), &plans, err);
    data_disks_unlock();
    r = r < 0 ? r : ledger_set(ctx->ledger, DISK_BEGUN, "", err);
    r = r < 0 ? r : turn_trim_on(ctx, err);
    disk_watch_look();
    return r < 0 ? r : 0;
}

const struct step step_disks = {.name = "disks", .check = check, .apply = apply};
