#include "lib/disks.h"

#include "lib/disk-choice.h"
#include "lib/disk-probe.h"
#include "lib/disks-sysfs.h"
#include "lib/disks-use.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define DISKS_MAX 256
#define BRIEF_MAX 64 /* disks that nobody wants, as help in a message */
#define FAMILY_MAX 512

struct look {
    const struct disks_context *ctx;
    const json_t *wanted;
    json_t *mounts, *swaps;
};

static void look_release(struct look *l)
{
    json_decref(l->mounts);
    json_decref(l->swaps);
}
#define AUTO_LOOK CLEANUP(look_release) struct look

/* How the host is used at this moment. */
static int look_begin(struct look *l, struct error *err)
{
    STRBUF(mountinfo, MOUNTINFO_MAX);
    STRBUF(swaps, MOUNTINFO_MAX);
    AUTO_FREE char *mounts_path = xasprintf("%s/proc/self/mountinfo", l->ctx->root);
    AUTO_FREE char *swaps_path = xasprintf("%s/proc/swaps", l->ctx->root);
    int r = file_read(mounts_path, &mountinfo, err);
    if (r < 0)
        return r;
    r = file_read(swaps_path, &swaps, err);
    if (r < 0 && r != -ENOENT) /* a kernel without swap has no such file */
        return r;
    l->mounts = disks_mounts(mountinfo.data);
    l->swaps = disks_swaps(swaps.data);
    return 0;
}

/* Adds what is built on the members of the family to it, until there is no more: partitions, md,
 * dm, and theirs. */
static void grow_family(const char *root, struct strv *family)
{
    for (size_t i = 0; i < family->count && i < FAMILY_MAX; i++) {
        STRV(more);
        sysfs_partitions(root, family->items[i], &more);
        sysfs_holders(root, family->items[i], &more);
        for (size_t k = 0; k < more.count; k++)
            if (!strv_contains(family, more.items[k]))
                strv_add(family, more.items[k]);
    }
}

static void describe_use(const struct look *l, const char *name, json_t *disk)
{
    const char *root = l->ctx->root;
    STRV(partitions);
    STRV(holders);
    STRV(family);
    STRV(numbers);
    sysfs_partitions(root, name, &partitions);
    sysfs_holders(root, name, &holders);
    for (size_t i = 0; i < partitions.count; i++)
        sysfs_holders(root, partitions.items[i], &holders);
    strv_add(&family, name);
    grow_family(root, &family);
    for (size_t i = 0; i < family.count; i++) {
        char number[24];
        sysfs_number(root, family.items[i], number);
        strv_add(&numbers, number);
    }
    json_t *mounts = json_array(), *swaps = json_array();
    disks_used_at(l->mounts, &numbers, mounts);
    disks_used_at(l->swaps, &numbers, swaps);
    json_object_set_new(disk, "partitions", json_texts(&partitions));
    json_object_set_new(disk, "holders", json_texts(&holders));
    json_object_set_new(disk, "mounts", mounts);
    json_object_set_new(disk, "swaps", swaps);
}

/* The wished paths that lead to the disk. */
static void describe_paths(const struct look *l, const char *name, json_t *disk)
{
    json_t *paths = json_array();
    bool any_partition = false;
    size_t i;
    json_t *wish;
    json_array_foreach(l->wanted, i, wish) {
        const char *path = json_get_string(wish, "path", NULL);
        char number[24];
        bool partition = false;
        if (!path || disks_number_of(path, number) < 0)
            continue;
        AUTO_FREE char *leads_to = sysfs_disk_of(l->ctx->root, number, &partition);
        if (!leads_to || strcmp(leads_to, name) != 0)
            continue;
        json_array_append_new(paths, json_string(path));
        any_partition = any_partition || partition;
    }
    json_object_set_new(disk, "paths", paths);
    json_object_set_new(disk, "partition", json_boolean(any_partition));
}

/* "cciss!c0d0" is /dev/cciss/c0d0 (drivers/base: '!' for '/' in names). */
static char *usual_node(const char *name)
{
    char *node = xasprintf("/dev/%s", name);
    for (char *c = node; (c = strchr(c, '!'));)
        *c = '/';
    return node;
}

static bool is_node(const char *path, const json_t *disk)
{
    char number[24];
    return disks_number_of(path, number) == 0 &&
           strcmp(number, json_get_string(disk, "number", "?")) == 0;
}

/* Where the disk can be opened: /dev/NAME, else a wished path that is the disk itself. */
static void describe_node(const char *name, json_t *disk)
{
    AUTO_FREE char *node = usual_node(name);
    const char *found = is_node(node, disk) ? node : NULL;
    size_t i;
    json_t *path;
    json_array_foreach(json_object_get(disk, "paths"), i, path)
        if (!found && is_node(json_string_value(path), disk))
            found = json_string_value(path);
    json_object_set_new(disk, "node", found ? json_string(found) : json_null());
}

static void describe_begun(const struct look *l, json_t *disk)
{
    const char *begun = l->ctx->begun, *blank = begun ? strchr(begun, ' ') : NULL;
    size_t i;
    json_t *wish;
    json_array_foreach(l->wanted, i, wish) {
        const char *identity = disk_identity(disk, wish);
        if (blank && identity && disk_matches(disk, wish) && strcmp(blank + 1, identity) == 0)
            json_object_set_new(disk, "begun", json_stringn(begun, (size_t) (blank - begun)));
    }
}

static void describe_content(json_t *disk, int fd)
{
    struct error err = ERROR_INIT;
    json_t *signatures = NULL;
    if (disk_probe(fd, &signatures, &err) == 0)
        json_object_set_new(disk, "signatures", signatures);
    else
        json_object_set_new(disk, "unread", json_string(err.text));
}

/* O_EXCL on a block device: -EBUSY when anybody has claimed it, or a partition of it. */
static void open_and_describe(json_t *disk)
{
    const char *node = json_get_string(disk, "node", NULL);
    AUTO_FD fd = node ? open(node, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK) : -1;
    bool busy = node && fd < 0 && errno == EBUSY;
    if (busy)
        fd = open(node, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *why = node ? strerror(errno) : "the host has no node for it";
    json_object_set_new(disk, "busy", json_boolean(busy));
    if (fd >= 0)
        describe_content(disk, fd);
    else
        json_object_set_new(disk, "unread", json_string(why));
}

static json_t *describe(const struct look *l, const char *name)
{
    char number[24];
    sysfs_number(l->ctx->root, name, number);
    json_t *disk = json_pack("{s:s, s:s}", "name", name, "number", number);
    sysfs_describe(l->ctx->root, name, disk);
    describe_paths(l, name, disk);
    describe_node(name, disk);
    return disk;
}

/* What is told of a disk that nobody wants. */
static void shorten(json_t *disk)
{
    static const char *const details[] = {"rotational", "removable", "read_only", "links"};
    for (size_t i = 0; i < ARRAY_SIZE(details); i++)
        json_object_del(disk, details[i]);
}

static bool is_wanted(const struct look *l, const json_t *disk)
{
    size_t i;
    json_t *wish;
    json_array_foreach(l->wanted, i, wish)
        if (disk_matches(disk, wish))
            return true;
    return !l->wanted;
}

static void add_disk(const struct look *l, const char *name, json_t *disks)
{
    AUTO_JSON *disk = describe(l, name);
    bool loop = strncmp(name, "loop", 4) == 0;
    if (loop && json_array_size(json_object_get(disk, "paths")) == 0)
        return;
    if (is_wanted(l, disk)) {
        describe_use(l, name, disk);
        describe_begun(l, disk);
        open_and_describe(disk);
    } else if (json_array_size(disks) >= BRIEF_MAX) {
        return;
    } else {
        shorten(disk);
    }
    json_array_append(disks, disk);
}

int disks_list(const struct disks_context *ctx, const json_t *wanted, json_t **out,
               struct error *err)
{
    AUTO_LOOK l = {.ctx = ctx, .wanted = wanted};
    STRV(names);
    int r = look_begin(&l, err);
    if (r < 0)
        return r;
    json_t *disks = json_array();
    sysfs_disks(ctx->root, &names);
    for (size_t i = 0; i < names.count && json_array_size(disks) < DISKS_MAX; i++)
        add_disk(&l, names.items[i], disks);
    *out = disks;
    return 0;
}

int disks_look_again(const struct disks_context *ctx, const char *name, int fd,
                     const json_t *wanted, json_t **out, struct error *err)
{
    AUTO_LOOK l = {.ctx = ctx, .wanted = wanted};
    int r = look_begin(&l, err);
    if (r < 0)
        return r;
    json_t *disk = describe(&l, name);
    describe_use(&l, name, disk);
    describe_begun(&l, disk);
    json_object_set_new(disk, "busy", json_false());
    describe_content(disk, fd);
    *out = disk;
    return 0;
}
