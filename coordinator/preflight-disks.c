#include "coordinator/preflight-disks.h"

#include "lib/digest.h"
#include "lib/disk-choice.h"

#include <stdio.h>
#include <string.h>

/* "bigtop-fast", or a hash where the name does not fit: it only has to tell our own apart. */
static void label_of(const struct disk *d, char out[DISK_LABEL_MAX + 1])
{
    const char *name = d->class ? d->class : d->mount;
    size_t room = DISK_LABEL_MAX - strlen(DISK_LABEL_PREFIX);
    char digest[DIGEST_SIZE];
    digest_buffer(name, strlen(name), digest);
    bool fits = d->class && strlen(d->class) <= room;
    snprintf(out, DISK_LABEL_MAX + 1, DISK_LABEL_PREFIX "%.*s", (int) room,
             fits ? d->class : strchr(digest, ':') + 1);
}

static void set_text(json_t *object, const char *key, const char *value)
{
    if (value)
        json_object_set_new(object, key, json_string(value));
}

static json_t *wish_of(const struct disk *d)
{
    char label[DISK_LABEL_MAX + 1];
    AUTO_FREE char *mount = inventory_disk_mount(d);
    label_of(d, label);
    json_t *wish = json_pack("{s:s, s:s, s:s}", "fs", d->fs, "mount", mount, "label", label);
    set_text(wish, "serial", d->serial);
    set_text(wish, "wwn", d->wwn);
    set_text(wish, "path", d->path);
    set_text(wish, "wipe", d->wipe);
    return wish;
}

json_t *disks_wishes(const struct host *host)
{
    json_t *wishes = json_array();
    for (size_t i = 0; i < host->disk_count; i++)
        json_array_append_new(wishes, wish_of(&host->disks[i]));
    return wishes;
}

static void check_program(const struct disk *d, const struct facts *f, struct findings *out)
{
    bool xfs = strcmp(d->fs, "xfs") == 0;
    AUTO_FREE char *program = xasprintf("mkfs.%s", d->fs);
    AUTO_FREE char *remedy = xasprintf("install the package %s on the host",
                                       xfs ? "xfsprogs" : "e2fsprogs");
    if (!json_get_bool(json_object_get(f->json, "programs"), program, true))
        findings_add(out, true, remedy, "the program `%s` is missing", program);
}

/* /dev/sdb is whatever disk was found second. */
static bool is_fleeting(const char *path)
{
    static const char *const prefixes[] = {"/dev/sd", "/dev/vd",   "/dev/xvd",
                                           "/dev/hd", "/dev/nvme", "/dev/mmcblk"};
    for (size_t i = 0; path && i < ARRAY_SIZE(prefixes); i++)
        if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static void check_name(const struct disk *d, const json_t *disk, struct findings *out)
{
    const char *serial = json_get_string(disk, "serial", NULL);
    const char *link = json_string_value(json_array_get(json_object_get(disk, "links"), 0));
    if (!is_fleeting(d->path))
        return;
    AUTO_FREE char *remedy = serial ? xasprintf("name it by `serial: \"%s\"`", serial)
                             : link ? xasprintf("name it by `path: %s`", link)
                                    : xstrdup("name it by a path below /dev/disk/by-path");
    findings_add(out, false, remedy, "%s may be the name of another disk after the next boot",
                 d->path);
}

static void check_disk(const struct host *host, const struct facts *f, const json_t *wishes,
                       size_t i, struct findings *out)
{
    struct error err = ERROR_INIT;
    struct disk_choice choice;
    const struct disk *d = &host->disks[i];
    if (disk_choose(json_object_get(f->disks, "disks"), wishes, i, &choice, &err) < 0) {
        findings_add(out, true, err.remedy, "%s", err.text);
        return;
    }
    if (choice.fate != DISK_ATTACH)
        check_program(d, f, out);
    check_name(d, choice.disk, out);
}

void preflight_disks(const struct host *host, const struct facts *facts, struct findings *out)
{
    AUTO_JSON *wishes = disks_wishes(host);
    for (size_t i = 0; i < host->disk_count; i++)
        check_disk(host, facts, wishes, i, out);
    size_t k;
    json_t *folder;
    json_array_foreach(json_object_get(facts->disks, "occupied"), k, folder)
        findings_add(out, true, "move them away, or choose another mount point",
                     "%s holds files, which the disk would hide",
                     json_is_string(folder) ? json_string_value(folder) : "a mount point");
}
