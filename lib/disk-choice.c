#include "lib/disk-choice.h"

#include "lib/grammar.h"
#include "lib/path.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define TEXT_MAX ((size_t) 480) /* bytes of a list in a message */
#define WWN_MAX 128

static const char *text(const json_t *object, const char *key)
{
    return json_get_string(object, key, NULL);
}

static bool has_any(const json_t *disk, const char *key)
{
    return json_array_size(json_object_get(disk, key)) > 0;
}

/* udev writes 0x5000…, the kernel naa.5000…, by-id wwn-0x5000…: the same number. */
static void normal_wwn(const char *wwn, char out[WWN_MAX])
{
    static const char *const prefixes[] = {"wwn-", "0x", "naa.", "eui.", "nvme."};
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
        if (strncasecmp(wwn, prefixes[i], strlen(prefixes[i])) == 0)
            wwn += strlen(prefixes[i]);
    size_t n = 0;
    for (; wwn[n] && n + 1 < WWN_MAX; n++)
        out[n] = (char) tolower((unsigned char) wwn[n]);
    out[n] = '\0';
}

static bool same_wwn(const char *a, const char *b)
{
    char one[WWN_MAX], two[WWN_MAX];
    if (!a || !b)
        return false;
    normal_wwn(a, one);
    normal_wwn(b, two);
    return *one && strcmp(one, two) == 0;
}

bool disk_matches(const json_t *disk, const json_t *wish)
{
    const char *serial = text(wish, "serial"), *has = text(disk, "serial");
    const char *path = text(wish, "path"), *id = text(wish, "id");
    if (id)
        return (has && strcmp(id, has) == 0) || same_wwn(id, text(disk, "wwn"));
    if (serial)
        return has && strcmp(serial, has) == 0;
    if (path)
        return json_has_text(json_object_get(disk, "paths"), path);
    return same_wwn(text(wish, "wwn"), text(disk, "wwn"));
}

static void add_size(struct strbuf *out, int64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    size_t unit = 0;
    double value = (double) bytes / 1000;
    for (; value >= 1000 && unit + 1 < ARRAY_SIZE(units); unit++)
        value /= 1000;
    strbuf_addf(out, "%.1f %s", value, units[unit]);
}

void disk_describe(const json_t *disk, struct strbuf *out)
{
    const char *model = text(disk, "model"), *serial = text(disk, "serial");
    const char *path = json_string_value(json_array_get(json_object_get(disk, "paths"), 0));
    strbuf_addf(out, "%s (", path ? path : json_get_string(disk, "name", "?"));
    if (path)
        strbuf_addf(out, "%s, ", json_get_string(disk, "name", "?"));
    if (model)
        strbuf_addf(out, "%s, ", model);
    if (serial)
        strbuf_addf(out, "serial %s, ", serial);
    else if (text(disk, "wwn"))
        strbuf_addf(out, "WWN %s, ", text(disk, "wwn"));
    add_size(out, json_get_int(disk, "size", 0));
    strbuf_addc(out, ')');
}

const char *disk_identity(const json_t *disk, const json_t *wish)
{
    const char *serial = text(disk, "serial"), *wwn = text(disk, "wwn");
    return serial ? serial : wwn ? wwn : text(wish, "path");
}

static void add_wish(struct strbuf *out, const json_t *wish)
{
    static const struct {
        const char *key, *words;
    } keys[] = {
        {"serial", "serial"}, {"wwn", "wwn"}, {"path", "path"}, {"id", "the serial or WWN"}};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (text(wish, keys[i].key))
            strbuf_addf(out, "%s %s", keys[i].words, text(wish, keys[i].key));
}

/* "a, b and c": names of an array of texts. */
static void add_names(struct strbuf *out, const json_t *names)
{
    size_t i, count = json_array_size(names);
    json_t *name;
    json_array_foreach(names, i, name) {
        const char *between = i == 0 ? "" : i + 1 == count ? " and " : ", ";
        strbuf_addf(out, "%s%s", between, json_is_string(name) ? json_string_value(name) : "?");
    }
}

static int no_such_disk(const json_t *disks, const json_t *wish, struct error *err)
{
    STRBUF(wanted, TEXT_MAX);
    STRBUF(there, TEXT_MAX);
    add_wish(&wanted, wish);
    size_t i;
    json_t *disk;
    json_array_foreach(disks, i, disk) {
        strbuf_adds(&there, i ? "; " : "");
        disk_describe(disk, &there);
    }
    error_set(err, -ENODEV, "no disk of this host has %s", wanted.data);
    return error_remedy(err, "attach it, or correct hosts.yaml; the host has: %s",
                        there.len ? there.data : "no disk at all");
}

static int several_disks(const json_t *disks, const json_t *wish, struct error *err)
{
    STRBUF(wanted, TEXT_MAX);
    STRBUF(there, TEXT_MAX);
    add_wish(&wanted, wish);
    size_t i;
    json_t *disk;
    json_array_foreach(disks, i, disk) {
        if (!disk_matches(disk, wish))
            continue;
        strbuf_adds(&there, there.len ? " and " : "");
        disk_describe(disk, &there);
    }
    error_set(err, -ENOTUNIQ, "%s matches several disks: %s", wanted.data, there.data);
    return error_remedy(err, "name the one you mean by a path below /dev/disk/by-path; two ways to "
                             "one disk (multipath) are one disk: name the multipath device");
}

static int find(const json_t *disks, const json_t *wish, const json_t **out, struct error *err)
{
    size_t i, found = 0;
    json_t *disk;
    json_array_foreach(disks, i, disk) {
        if (!disk_matches(disk, wish))
            continue;
        *out = disk;
        found++;
    }
    return found == 1 ? 0
           : found    ? several_disks(disks, wish, err)
                      : no_such_disk(disks, wish, err);
}

/* "DISK WHAT"; the remedy as it is. */
static int refuse(const json_t *disk, int code, struct error *err, const char *remedy,
                  const char *what)
{
    STRBUF(name, TEXT_MAX);
    disk_describe(disk, &name);
    error_set(err, code, "disk %s %s", name.data, what);
    return error_remedy(err, "%s", remedy);
}

static int check_alone(const json_t *disk, const json_t *wishes, size_t own, struct error *err)
{
    size_t i;
    json_t *other;
    json_array_foreach(wishes, i, other)
        if (i != own && disk_matches(disk, other))
            return refuse(disk, -ENOTUNIQ, err, "name each disk once in hosts.yaml",
                          "is meant by two entries of hosts.yaml");
    return 0;
}

/* Where losing the disk is losing the host. */
static bool is_system(const char *mount)
{
    static const char *const exact[] = {"/",     "/usr", "/var", "/var/lib", "/var/log",
                                        "/home", "/opt", "/etc", "/root",    "/tmp"};
    for (size_t i = 0; i < ARRAY_SIZE(exact); i++)
        if (strcmp(mount, exact[i]) == 0)
            return true;
    return path_is_at_or_below(mount, "/boot") || path_is_at_or_below(mount, "/run/live") ||
           path_is_at_or_below(mount, "/run/bigtop");
}

static int check_system(const json_t *disk, struct error *err)
{
    size_t i;
    json_t *mount;
    json_array_foreach(json_object_get(disk, "mounts"), i, mount) {
        const char *path = json_is_string(mount) ? json_string_value(mount) : "?";
        AUTO_FREE char *what = xasprintf("carries %s of the running system", path);
        if (is_system(path))
            return refuse(disk, -EBUSY, err, "name another disk: this one is never touched", what);
    }
    return 0;
}

static int check_members(const json_t *disk, const char *key, const char *what, const char *remedy,
                         struct error *err)
{
    STRBUF(words, TEXT_MAX);
    if (!has_any(disk, key))
        return 0;
    strbuf_adds(&words, what);
    add_names(&words, json_object_get(disk, key));
    return refuse(disk, -EBUSY, err, remedy, words.data);
}

/* In use by anything: not even `wipe` helps. */
static int check_free(const json_t *disk, struct error *err)
{
    int r = check_members(disk, "mounts", "is mounted at ",
                          "unmount it and take it out of /etc/fstab, or name another disk", err);
    if (r == 0)
        r = check_members(disk, "swaps", "is in use as swap: ",
                          "`swapoff` it and take it out of /etc/fstab, or name another disk", err);
    if (r == 0)
        r = check_members(disk, "holders", "is held by ",
                          "stop what is built on it (`mdadm --stop`, `vgchange -an`, `multipath "
                          "-f`, `cryptsetup close`), or name another disk",
                          err);
    if (r == 0 && json_get_bool(disk, "busy", true))
        r = refuse(disk, -EBUSY, err,
                   "end the program that uses it (`fuser -v` shows it: ZFS, "
                   "btrfs, a virtual machine …), or name another disk",
                   "has been claimed by a program of the host");
    return r;
}

static int check_size(const json_t *disk, const json_t *wish, struct error *err)
{
    STRBUF(remedy, TEXT_MAX);
    int64_t least = json_get_int(wish, "size", DISK_SIZE_MIN);
    if (json_get_int(disk, "size", 0) >= least)
        return 0;
    strbuf_adds(&remedy, "name a disk of at least ");
    add_size(&remedy, least);
    return refuse(disk, -ENOTSUP, err, remedy.data, "is too small");
}

static int check_fitness(const json_t *disk, const json_t *wish, struct error *err)
{
    int r;
    if (json_get_bool(disk, "partition", false))
        return refuse(disk, -ENOTSUP, err, "name a whole disk",
                      "is named by one of its partitions");
    if (json_get_bool(disk, "read_only", true))
        return refuse(disk, -EROFS, err, "take its write protection off, or name another disk",
                      "is read-only");
    if ((r = check_size(disk, wish, err)) < 0)
        return r;
    if (!json_is_array(json_object_get(disk, "signatures"))) {
        AUTO_FREE char *what = xasprintf("cannot be read: %s",
                                         json_get_string(disk, "unread", "no reason was given"));
        return refuse(disk, -EIO, err, "look at the disk and its cable (`dmesg` on the host)",
                      what);
    }
    return 0;
}

/* Our label with the wished file system, and nothing beside it. */
static bool is_ours(const json_t *disk, const json_t *wish)
{
    const json_t *signatures = json_object_get(disk, "signatures");
    const json_t *only = json_array_get(signatures, 0);
    return json_array_size(signatures) == 1 && !has_any(disk, "partitions") &&
           strcmp(json_get_string(only, "type", ""), json_get_string(wish, "fs", "?")) == 0 &&
           strcmp(json_get_string(only, "label", ""), json_get_string(wish, "label", "?")) == 0;
}

bool disk_has_installation(const json_t *disk, const char *uuid)
{
    size_t i, len = strlen(uuid);
    json_t *s;
    json_array_foreach(json_object_get(disk, "signatures"), i, s) {
        const char *type = json_get_string(s, "type", ""), *id = json_get_string(s, "uuid", "");
        bool ours = strcmp(type, "gpt") == 0 && strncasecmp(id, uuid, len) == 0 &&
                    strlen(id) == len + 1;
        if (!ours && strcmp(type, "PMBR") != 0) /* the first sector of a GPT that is not there */
            return false;
    }
    return true;
}

/* What a killed mkfs of ours left: nothing that has a name, or the beginning of the very file
 * system that was being made. */
static bool is_begun(const json_t *disk, const json_t *wish)
{
    const char *begun = text(disk, "begun");
    size_t i;
    json_t *s;
    if (begun && text(wish, "id"))
        return disk_has_installation(disk, begun);
    if (!begun || has_any(disk, "partitions"))
        return false;
    json_array_foreach(json_object_get(disk, "signatures"), i, s) {
        const char *type = json_get_string(s, "type", "");
        bool same = strcmp(type, json_get_string(wish, "fs", "?")) == 0 &&
                    strcmp(json_get_string(s, "uuid", ""), begun) == 0;
        if (!same && strcmp(type, DISK_UNKNOWN_DATA) != 0)
            return false;
    }
    return true;
}

static void add_signature(struct strbuf *out, const json_t *s)
{
    const char *label = text(s, "label");
    strbuf_addf(out, "%s%s", out->len ? ", " : "", json_get_string(s, "type", "?"));
    if (label)
        strbuf_addf(out, " \"%s\"", label);
    if (strcmp(json_get_string(s, "usage", ""), "filesystem") != 0)
        strbuf_addf(out, " (%s)", json_get_string(s, "usage", "?"));
}

static void add_content(struct strbuf *out, const json_t *disk)
{
    size_t i;
    json_t *s;
    json_array_foreach(json_object_get(disk, "signatures"), i, s)
        add_signature(out, s);
    if (has_any(disk, "partitions")) {
        strbuf_adds(out, out->len ? ", partitions " : "partitions ");
        add_names(out, json_object_get(disk, "partitions"));
    }
}

static int refuse_content(const json_t *disk, const json_t *wish, struct error *err)
{
    STRBUF(content, TEXT_MAX);
    add_content(&content, disk);
    AUTO_FREE char *what = xasprintf("is not empty: %s", content.data);
    AUTO_FREE char *remedy = xasprintf(
        "name another disk; or, if all that is on this one may go, add `wipe: \"%s\"` to its entry",
        disk_identity(disk, wish));
    return refuse(disk, -EEXIST, err, remedy, what);
}

static int check_wipe(const json_t *disk, const json_t *wish, struct error *err)
{
    const char *wipe = text(wish, "wipe"), *identity = disk_identity(disk, wish);
    if (!wipe || strcmp(wipe, identity) == 0)
        return 0;
    AUTO_FREE char *what = xasprintf("is not the one that `wipe: \"%s\"` names", wipe);
    AUTO_FREE char *remedy = xasprintf("nothing is wiped; this disk's own name is \"%s\"",
                                       identity);
    return refuse(disk, -EPERM, err, remedy, what);
}

static int judge(const json_t *disk, const json_t *wish, enum disk_fate *fate, struct error *err)
{
    bool ours = is_ours(disk, wish);
    bool mounted = json_has_text(json_object_get(disk, "mounts"),
                                 json_get_string(wish, "mount", "?"));
    int r = check_system(disk, err);
    if (r == 0 && !(ours && mounted))
        r = check_free(disk, err);
    if (r == 0)
        r = check_fitness(disk, wish, err);
    if (r == 0)
        r = check_wipe(disk, wish, err);
    if (r < 0)
        return r;
    bool empty = !has_any(disk, "signatures") && !has_any(disk, "partitions");
    *fate = ours ? DISK_ATTACH : empty || is_begun(disk, wish) ? DISK_FORMAT : DISK_WIPE;
    return *fate != DISK_WIPE || text(wish, "wipe") ? 0 : refuse_content(disk, wish, err);
}

int disk_choose(const json_t *disks, const json_t *wishes, size_t i, struct disk_choice *out,
                struct error *err)
{
    const json_t *wish = json_array_get(wishes, i), *disk = NULL;
    enum disk_fate fate = DISK_ATTACH;
    int r = find(disks, wish, &disk, err);
    if (r == 0)
        r = check_alone(disk, wishes, i, err);
    if (r == 0)
        r = judge(disk, wish, &fate, err);
    if (r < 0)
        return r;
    *out = (struct disk_choice){.disk = disk, .fate = fate};
    return 0;
}

static bool label_valid(const char *label)
{
    size_t len = strlen(label), prefix = strlen(DISK_LABEL_PREFIX);
    const char *allowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
    return len > prefix && len <= DISK_LABEL_MAX && strspn(label, allowed) == len &&
           strncmp(label, DISK_LABEL_PREFIX, prefix) == 0;
}

static int check_wish(const json_t *wish, struct error *err)
{
    const char *fs = json_get_string(wish, "fs", ""), *path = text(wish, "path");
    const char *mount = json_get_string(wish, "mount", "");
    int names = (text(wish, "serial") != NULL) + (text(wish, "wwn") != NULL) + (path != NULL);
    if (names != 1 || (path && !grammar_absolute_path(path)))
        return error_set(err, -EINVAL, "disks: expected one of serial, wwn and an absolute path");
    if (strcmp(fs, "ext4") != 0 && strcmp(fs, "xfs") != 0)
        return error_set(err, -EINVAL, "disks: fs: expected ext4 or xfs");
    if (!grammar_absolute_path(mount) || !mount[1] || mount[strlen(mount) - 1] == '/')
        return error_set(err, -EINVAL, "disks: mount: expected an absolute path");
    if (!label_valid(json_get_string(wish, "label", "")))
        return error_set(err, -EINVAL, "disks: label: expected " DISK_LABEL_PREFIX "…");
    return 0;
}

int disk_wishes_check(const json_t *wishes, struct error *err)
{
    if (!json_is_array(wishes) || json_array_size(wishes) > DISK_WISHES_MAX)
        return error_set(err, -EINVAL, "disks: expected an array of at most %d", DISK_WISHES_MAX);
    int r = 0;
    size_t i;
    json_t *wish;
    json_array_foreach(wishes, i, wish)
        r = r < 0 ? r : check_wish(wish, err);
    return r;
}
