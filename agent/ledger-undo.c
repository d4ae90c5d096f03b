/* The order of undoing. Services stop first, so that nothing makes again what is being removed;
 * then goes what they made; then paths and settings newest first; then former services start. */
#include "agent/firewall.h"
#include "agent/ledger-file.h"
#include "agent/ledger-kinds.h"
#include "agent/units.h"
#include "lib/path.h"
#include "lib/process.h"
#include "lib/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/swap.h>
#include <unistd.h>

#define MODPROBE_TIMEOUT_MS 10000
#define FAILURES_MAX (ERROR_TEXT_MAX / 2)

struct undo {
    struct ledger *ledger;
    struct strv protect; /* data folders that stay */
    struct undo_filters filters;
    struct strv opened;   /* in firewalls */
    struct strbuf failed; /* "; "-separated */
    int code;             /* of the first failure */
    bool units;           /* a unit was recorded: systemd is to be told */
    int64_t done, total;
    void (*progress)(void *userdata, const char *text, int64_t done, int64_t total);
    void *userdata;
};

typedef int (*undo_fn)(struct undo *u, const json_t *record, const char *name, struct error *err);

struct undo_kind {
    const char *kind;
    undo_fn undo;
};

static void note_failure(struct undo *u, const struct error *err)
{
    if (u->code == 0)
        u->code = err->code < 0 ? err->code : -EIO;
    strbuf_addf(&u->failed, "%s%s", u->failed.len ? "; " : "", err->text);
}

static void tell(struct undo *u, const char *kind, const char *name)
{
    char text[256];
    snprintf(text, sizeof text, "removing %s %s", kind, name);
    if (u->progress)
        u->progress(u->userdata, text, u->done < u->total ? u->done : u->total, u->total);
}

/* One pass over the records, newest first, doing what the table has for their kinds. */
static void pass(struct undo *u, const struct undo_kind *kinds, size_t count)
{
    for (size_t i = json_array_size(u->ledger->records); i-- > 0;) {
        const json_t *record = json_array_get(u->ledger->records, i);
        const char *kind = json_get_string(record, "kind", "");
        const char *name = json_get_string(record, "name", "");
        for (size_t k = 0; k < count; k++) {
            struct error err = ERROR_INIT;
            if (strcmp(kinds[k].kind, kind) != 0)
                continue;
            tell(u, kind, name);
            if (kinds[k].undo(u, record, name, &err) < 0)
                note_failure(u, &err);
            u->done++;
        }
    }
}

static bool was(const json_t *record, const char *member, const char *value)
{
    return strcmp(json_get_string(record, member, ""), value) == 0;
}

/* Stopped, disabled and unmasked while the unit file is still there. */
static int stop_unit(struct undo *u, const json_t *record, const char *unit, struct error *err)
{
    struct unit_state now;
    u->units = true;
    int r = unit_state(unit, &now, err);
    if (r < 0)
        return r;
    if (strcmp(now.enabled, "masked") == 0 && !was(record, "enabled", "masked"))
        r = unit_unmask(unit, err);
    if (r >= 0 && strcmp(now.enabled, "enabled") == 0 && !was(record, "enabled", "enabled"))
        r = unit_disable(unit, err);
    if (r >= 0 && strcmp(unit, AGENT_UNIT) != 0)
        r = unit_stop(unit, UNIT_TIMEOUT_MS, err);
    return r;
}

static int start_unit(struct undo *u, const json_t *record, const char *unit, struct error *err)
{
    (void) u;
    int r = 0;
    if (strcmp(unit, AGENT_UNIT) == 0)
        return 0;
    if (was(record, "enabled", "enabled"))
        r = unit_enable(unit, err);
    else if (was(record, "enabled", "masked"))
        r = unit_mask(unit, err);
    if (r >= 0 && was(record, "active", "active"))
        r = unit_start(unit, UNIT_TIMEOUT_MS, err);
    else if (r >= 0)
        unit_reset_failed(unit);
    return r;
}

static int end_program(struct undo *u, const json_t *record, const char *name, struct error *err)
{
    (void) u;
    (void) record;
    return undo_program(name, err);
}

static int end_cgroup(struct undo *u, const json_t *record, const char *name, struct error *err)
{
    (void) u;
    (void) record;
    return undo_cgroup(name, err);
}

static int end_mounts(struct undo *u, const json_t *record, const char *name, struct error *err)
{
    (void) u;
    (void) record;
    return undo_mounts_below(name, err);
}

static int end_link(struct undo *u, const json_t *record, const char *name, struct error *err)
{
    (void) u;
    return undo_link(name, json_object_get(record, "kept"), err);
}

static int collect_chain(struct undo *u, const json_t *record, const char *name, struct error *err)
{
    (void) record;
    (void) err;
    strv_add(&u->filters.chains, name);
    return 0;
}

static int collect_comment(struct undo *u, const json_t *record, const char *name,
                           struct error *err)
{
    (void) record;
    (void) err;
    strv_add(&u->filters.comments, name);
    return 0;
}

static int collect_opened(struct undo *u, const json_t *record, const char *name, struct error *err)
{
    (void) record;
    (void) err;
    strv_add(&u->opened, name);
    return 0;
}

static int end_ipset(struct undo *u, const json_t *record, const char *name, struct error *err)
{
    (void) u;
    (void) record;
    return undo_ipset(name, err);
}

static int back_path(struct undo *u, const json_t *record, const char *name, struct error *err)
{
    if (strv_contains(&u->protect, name) && json_is_null(json_object_get(record, "former"))) {
        (void) rmdir(name); /* fails while there is data in it */
        return 0;
    }
    return undo_path(record, u->ledger->former_dir, err);
}

static int back_tree(struct undo *u, const json_t *record, const char *name, struct error *err)
{
    (void) name;
    return undo_tree(record, &u->protect, err);
}

static int back_sysctl(struct undo *u, const json_t *record, const char *key, struct error *err)
{
    (void) u;
    const char *former = json_get_string(record, "former", "");
    AUTO_FREE char *now = NULL;
    int r = sysctl_read(key, &now, err);
    if (r == -ENOENT)
        return 0;
    if (r < 0 || strcmp(now, former) == 0)
        return r < 0 ? r : 0;
    return sysctl_write(key, former, err);
}

/* A module that is in use, or that the kernel has built in, stays: that is no failure. */
static int back_module(struct undo *u, const json_t *record, const char *name, struct error *err)
{
    (void) u;
    (void) record;
    (void) err;
    const char *const argv[] = {"modprobe", "-r", "--", name, NULL};
    const struct process_options options = {.timeout_ms = MODPROBE_TIMEOUT_MS};
    process_run(argv, &options, NULL, NULL);
    return 0;
}

/* Swap in compressed memory does not outlive a reboot: what is not there, or not set up, any more
 * comes with its unit at the next one, which is no longer masked. */
static int back_swap(struct undo *u, const json_t *record, const char *device, struct error *err)
{
    (void) u;
    (void) record;
    if (swapon(device, 0) < 0 && errno != EBUSY && errno != ENOENT && errno != EINVAL)
        return error_errno(err, -errno, "switch swap on %s back on", device);
    return 0;
}

/* Mounts come and go: a user's runtime folder with the session. */
static int back_private(struct undo *u, const json_t *record, const char *path, struct error *err)
{
    (void) u;
    (void) record;
    if (mount(NULL, path, NULL, MS_PRIVATE, NULL) < 0 && errno != ENOENT && errno != EINVAL)
        return error_errno(err, -errno, "make the mount %s private again", path);
    return 0;
}

/* Before the path of its folder, which was recorded before it. */
static int back_disk(struct undo *u, const json_t *record, const char *mount, struct error *err)
{
    (void) u;
    (void) record;
    return undo_data_disk(mount, err);
}

static const struct undo_kind stopping[] = {{"unit", stop_unit}};
static const struct undo_kind ending[] = {
    {"program", end_program},
    {"cgroup", end_cgroup},
};
static const struct undo_kind leaving[] = {
    {"mount-below", end_mounts},
    {"link", end_link},
    {"iptables-chain-prefix", collect_chain},
    {"iptables-comment-prefix", collect_comment},
    {"firewall", collect_opened},
};
static const struct undo_kind restoring[] = {
    {"ipset", end_ipset},           {"path", back_path},      {"tree", back_tree},
    {"sysctl", back_sysctl},        {"module", back_module},  {"swap", back_swap},
    {"shared-mount", back_private}, {"data-disk", back_disk},
};
static const struct undo_kind starting[] = {{"unit", start_unit}};

static bool is_data_folder(const struct ledger *l, const char *path)
{
    return strcmp(path, AGENT_VOLUMES_DIR) == 0 || ledger_has_record(l, "data", path);
}

static int check_volumes(const struct ledger *l, const struct strv *volumes, struct error *err)
{
    for (size_t i = 0; volumes && i < volumes->count; i++) {
        if (is_data_folder(l, volumes->items[i]))
            continue;
        error_set(err, -EINVAL, "%s is not a data folder of this host", volumes->items[i]);
        return error_remedy(err, "name %s or leave it out", AGENT_VOLUMES_DIR);
    }
    return 0;
}

static void find_protected(struct undo *u, const struct strv *volumes)
{
    if (!volumes || !strv_contains(volumes, AGENT_VOLUMES_DIR))
        strv_add(&u->protect, AGENT_VOLUMES_DIR);
    size_t i;
    json_t *record;
    json_array_foreach(u->ledger->records, i, record) {
        const char *name = json_get_string(record, "name", "");
        if (was(record, "kind", "data") && !(volumes && strv_contains(volumes, name)))
            strv_add(&u->protect, name);
    }
}

/* What is in it, as it may be a disk's mount point; then itself where that can be. Data folders in
 * it that were not named are mounted disks: they stay. */
static int remove_volume(const char *path, const struct strv *protect, struct error *err)
{
    AUTO_JSON *record = json_pack("{s:s, s:b}", "name", path, "existed", true);
    int r = undo_tree(record, protect, err);
    if (r >= 0)
        (void) rmdir(path);
    return r;
}

static void remove_volumes(struct undo *u, const struct strv *volumes)
{
    for (size_t i = 0; volumes && i < volumes->count; i++) {
        struct error err = ERROR_INIT;
        if (remove_volume(volumes->items[i], &u->protect, &err) < 0)
            note_failure(u, &err);
    }
}

static void clean_filters(struct undo *u)
{
    struct error err = ERROR_INIT;
    bool has_any = u->filters.chains.count + u->filters.comments.count > 0;
    if (has_any && undo_iptables(&u->filters, &err) < 0)
        note_failure(u, &err);
}

static void close_firewalls(struct undo *u)
{
    struct error err = ERROR_INIT;
    if (firewall_undo(&u->opened, &err) < 0)
        note_failure(u, &err);
}

static void reload_units(struct undo *u)
{
    struct error err = ERROR_INIT;
    if (u->units && units_daemon_reload(&err) < 0)
        note_failure(u, &err);
}

static void run_passes(struct undo *u, const struct strv *volumes)
{
    pass(u, stopping, ARRAY_SIZE(stopping));
    pass(u, ending, ARRAY_SIZE(ending));
    pass(u, leaving, ARRAY_SIZE(leaving));
    clean_filters(u);
    close_firewalls(u);
    remove_volumes(u, volumes);
    pass(u, restoring, ARRAY_SIZE(restoring));
    reload_units(u);
    pass(u, starting, ARRAY_SIZE(starting));
}

static int finish(struct undo *u, struct error *err)
{
    if (u->code == 0) {
        pthread_mutex_lock(&u->ledger->mutex);
        int r = ledger_file_empty(u->ledger, err);
        pthread_mutex_unlock(&u->ledger->mutex);
        return r;
    }
    error_set(err, u->code, "could not undo everything: %s", u->failed.data);
    return error_remedy(err, "what failed is still in the ledger: mend it and run reset again");
}

int ledger_undo(struct ledger *l, const struct strv *delete_volumes,
                void (*progress)(void *userdata, const char *text, int64_t done, int64_t total),
                void *userdata, struct error *err)
{
    int r = check_volumes(l, delete_volumes, err);
    if (r < 0)
        return r;
    struct undo u = {.ledger = l,
                     .total = (int64_t) json_array_size(l->records),
                     .progress = progress,
                     .userdata = userdata};
    strbuf_init(&u.failed, FAILURES_MAX);
    find_protected(&u, delete_volumes);
    run_passes(&u, delete_volumes);
    r = finish(&u, err);
    strbuf_release(&u.failed);
    strv_release(&u.protect);
    strv_release(&u.filters.chains);
    strv_release(&u.filters.comments);
    strv_release(&u.opened);
    return r;
}
