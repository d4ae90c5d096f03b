#include "lib/disks-sysfs.h"

#include "lib/fd.h"
#include "lib/path.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTRIBUTE_MAX 4096
#define UDEV_MAX (64 * 1024)
#define SECTOR 512 /* the unit of /sys/block/X/size, whatever the disk's own */
#define LINKS_MAX 16

static void list(const char *path, struct strv *names)
{
    AUTO_DIR *dir = opendir(path);
    for (const struct dirent *e; dir && (e = readdir(dir));)
        if (e->d_name[0] != '.')
            strv_add(names, e->d_name);
    strv_sort(names);
}

/* Blanks at both ends dropped; NULL: not there, or empty. The caller frees. */
static char *trimmed(const char *text)
{
    text += strspn(text, " \t\n");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\n", text[len - 1]))
        len--;
    return len > 0 ? xstrndup(text, len) : NULL;
}

static char *attribute(const char *root, const char *name, const char *key)
{
    AUTO_FREE char *path = xasprintf("%s/sys/class/block/%s/%s", root, name, key);
    STRBUF(text, ATTRIBUTE_MAX);
    return file_read(path, &text, NULL) == 0 ? trimmed(text.data) : NULL;
}

static long long number_of(const char *root, const char *name, const char *key)
{
    AUTO_FREE char *text = attribute(root, name, key);
    return text ? strtoll(text, NULL, 10) : 0;
}

/* Also an empty loop device, an empty card reader. */
static bool is_no_disk(const char *root, const char *name)
{
    static const char *const prefixes[] = {"ram", "sr", "fd", "zram"};
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        size_t len = strlen(prefixes[i]);
        if (strncmp(name, prefixes[i], len) == 0 && strspn(name + len, "0123456789") > 0)
            return true;
    }
    return number_of(root, name, "size") == 0;
}

void sysfs_disks(const char *root, struct strv *names)
{
    AUTO_FREE char *path = xasprintf("%s/sys/block", root);
    STRV(all);
    list(path, &all);
    for (size_t i = 0; i < all.count; i++)
        if (!is_no_disk(root, all.items[i]))
            strv_add(names, all.items[i]);
}

static bool is_partition(const char *root, const char *name)
{
    AUTO_FREE char *path = xasprintf("%s/sys/class/block/%s/partition", root, name);
    return access(path, F_OK) == 0;
}

void sysfs_partitions(const char *root, const char *name, struct strv *out)
{
    AUTO_FREE char *path = xasprintf("%s/sys/class/block/%s", root, name);
    STRV(entries);
    list(path, &entries);
    for (size_t i = 0; i < entries.count; i++)
        if (strncmp(entries.items[i], name, strlen(name)) == 0 &&
            is_partition(root, entries.items[i]))
            strv_add(out, entries.items[i]);
}

void sysfs_holders(const char *root, const char *name, struct strv *out)
{
    AUTO_FREE char *path = xasprintf("%s/sys/class/block/%s/holders", root, name);
    list(path, out);
}

void sysfs_number(const char *root, const char *name, char out[24])
{
    AUTO_FREE char *text = attribute(root, name, "dev");
    snprintf(out, 24, "%s", text ? text : "");
}

/* …/block/sdb/sdb1 → sdb: a partition's folder is in its disk's. */
char *sysfs_disk_of(const char *root, const char *number, bool *partition)
{
    AUTO_FREE char *path = xasprintf("%s/sys/dev/block/%s", root, number);
    AUTO_FREE char *real = realpath(path, NULL);
    if (!real)
        return NULL;
    *partition = is_partition(root, path_basename(real));
    if (!*partition)
        return xstrdup(path_basename(real));
    AUTO_FREE char *parent = path_dirname(real);
    return xstrdup(path_basename(parent));
}

/* udev's properties as an object, and its links. */
static json_t *udev_properties(const char *root, const char *number, json_t *links)
{
    AUTO_FREE char *path = xasprintf("%s/run/udev/data/b%s", root, number);
    STRBUF(text, UDEV_MAX);
    STRV(lines);
    json_t *properties = json_object();
    file_read(path, &text, NULL);
    strv_split(&lines, text.data, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        char *line = lines.items[i], *equals = strchr(line, '=');
        if (strncmp(line, "S:disk/by-id/", 13) == 0 && json_array_size(links) < LINKS_MAX) {
            AUTO_FREE char *link = xasprintf("/dev/%s", line + 2);
            json_array_append_new(links, json_string(link));
        } else if (strncmp(line, "E:", 2) == 0 && equals) {
            *equals = '\0';
            json_object_set_new(properties, line + 2, json_string(equals + 1));
        }
    }
    return properties;
}

static json_t *first_property(const json_t *properties, const char *const keys[])
{
    for (; *keys; keys++) {
        AUTO_FREE char *value = trimmed(json_get_string(properties, *keys, ""));
        if (value)
            return json_string(value);
    }
    return NULL;
}

static json_t *first_attribute(const char *root, const char *name, const char *const keys[])
{
    for (; *keys; keys++) {
        AUTO_FREE char *value = attribute(root, name, *keys);
        json_t *text = value ? json_string(value) : NULL;
        if (text)
            return text;
    }
    return NULL;
}

/* SCSI's page 0x80: four bytes of header, the last of which is the length (SPC-4, 7.8.13). */
static json_t *scsi_serial(const char *root, const char *name)
{
    AUTO_FREE char *path = xasprintf("%s/sys/class/block/%s/device/vpd_pg80", root, name);
    STRBUF(page, ATTRIBUTE_MAX);
    if (file_read(path, &page, NULL) < 0 || page.len < 5)
        return NULL;
    size_t len = (unsigned char) page.data[3];
    AUTO_FREE char *raw = xstrndup(page.data + 4, len < page.len - 4 ? len : page.len - 4);
    AUTO_FREE char *serial = trimmed(raw);
    return serial ? json_string(serial) : NULL;
}

static json_t *serial_of(const char *root, const char *name, const json_t *udev)
{
    static const char *const keys[] = {"ID_SCSI_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL", NULL};
    static const char *const attributes[] = {"serial", "device/serial", NULL};
    json_t *serial = first_property(udev, keys);
    if (!serial)
        serial = first_attribute(root, name, attributes);
    return serial ? serial : scsi_serial(root, name);
}

static json_t *wwn_of(const char *root, const char *name, const json_t *udev)
{
    static const char *const keys[] = {"ID_WWN_WITH_EXTENSION", "ID_WWN", NULL};
    static const char *const attributes[] = {"wwid", "device/wwid", NULL};
    json_t *wwn = first_property(udev, keys);
    return wwn ? wwn : first_attribute(root, name, attributes);
}

static void set_or_null(json_t *disk, const char *key, json_t *value)
{
    json_object_set_new(disk, key, value ? value : json_null());
}

void sysfs_describe(const char *root, const char *name, json_t *disk)
{
    static const char *const model[] = {"device/model", "device/name", NULL};
    char number[24];
    json_t *links = json_array();
    sysfs_number(root, name, number);
    AUTO_JSON *udev = udev_properties(root, number, links);
    set_or_null(disk, "serial", serial_of(root, name, udev));
    set_or_null(disk, "wwn", wwn_of(root, name, udev));
    set_or_null(disk, "model", first_attribute(root, name, model));
    json_object_set_new(disk, "size", json_integer(number_of(root, name, "size") * SECTOR));
    json_object_set_new(disk, "rotational",
                        json_boolean(number_of(root, name, "queue/rotational")));
    json_object_set_new(disk, "removable", json_boolean(number_of(root, name, "removable")));
    json_object_set_new(disk, "read_only", json_boolean(number_of(root, name, "ro")));
    json_object_set_new(disk, "links", links);
}
