#include "lib/disks-use.h"

#include "lib/proc-text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define AT_ONCE_MAX 64 /* a disk's mounts: a pod's volume adds one each */

int disks_number_of(const char *path, char out[24])
{
    struct stat st;
    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISBLK(st.st_mode))
        return -ENOTBLK;
    snprintf(out, 24, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
    return 0;
}

static void add_use(json_t *uses, const char *number, const char *at)
{
    json_t *text = json_string(at);
    json_array_append_new(uses, json_pack("{s:s, s:o}", "number", number, "at",
                                          text ? text : json_string("a name that is not UTF-8")));
}

/* "36 35 98:0 /root /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw" */
static void take_mount(char *line, json_t *uses)
{
    STRV(fields);
    char number[24];
    strv_split(&fields, line, ' ');
    size_t dash = 6;
    while (dash < fields.count && strcmp(fields.items[dash], "-") != 0)
        dash++;
    if (dash + 2 >= fields.count)
        return;
    char *at = fields.items[4], *source = fields.items[dash + 2];
    proc_unescape(at);
    proc_unescape(source);
    if (strncmp(fields.items[2], "0:", 2) != 0)
        add_use(uses, fields.items[2], at);
    else if (source[0] == '/' && disks_number_of(source, number) == 0)
        add_use(uses, number, at);
}

json_t *disks_mounts(const char *mountinfo)
{
    STRV(lines);
    json_t *uses = json_array();
    strv_split(&lines, mountinfo, '\n');
    for (size_t i = 0; i < lines.count; i++)
        take_mount(lines.items[i], uses);
    return uses;
}

json_t *disks_swaps(const char *swaps)
{
    STRV(devices);
    json_t *uses = json_array();
    proc_swaps(swaps, &devices);
    for (size_t i = 0; i < devices.count; i++) {
        char number[24];
        if (disks_number_of(devices.items[i], number) == 0)
            add_use(uses, number, devices.items[i]);
    }
    return uses;
}

static bool has(const json_t *array, const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
        if (json_equal(item, value))
            return true;
    return false;
}

void disks_used_at(const json_t *uses, const struct strv *numbers, json_t *out)
{
    size_t i;
    json_t *use;
    json_array_foreach(uses, i, use) {
        json_t *at = json_object_get(use, "at");
        if (strv_contains(numbers, json_get_string(use, "number", "")) && !has(out, at) &&
            json_array_size(out) < AT_ONCE_MAX)
            json_array_append(out, at);
    }
}
