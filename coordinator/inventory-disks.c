/* hosts[].disks: which disks a host may use, and what for. */
#include "coordinator/inventory-keys.h"
#include "lib/disk-choice.h"
#include "lib/grammar.h"
#include "lib/path.h"
#include "lib/protocol.h"

#include <errno.h>
#include <string.h>

#define DISK_NAME_MAX 128

#define ALNUM "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_name(const char *s, const char *first, const char *others)
{
    size_t len = strlen(s);
    return len > 0 && len <= DISK_NAME_MAX && strchr(first, s[0]) && strspn(s, others) == len &&
           s[len - 1] != ' ';
}

bool inventory_is_disk_path(const char *s)
{
    return grammar_absolute_path(s) && is_name(s, "/", ALNUM "-_.:+/@=,");
}

/* A serial, a WWN or a path: whichever the disk has. */
bool inventory_is_disk_name(const char *s)
{
    return grammar_serial(s) || inventory_is_disk_path(s);
}

bool inventory_is_wwn(const char *s)
{
    return is_name(s, ALNUM, ALNUM "-_.");
}

bool inventory_is_mount_point(const char *s)
{
    static const char *const others[] = {"/bin",  "/boot", "/dev",  "/etc", "/lib", "/lib64",
                                         "/proc", "/run",  "/sbin", "/sys", "/tmp", "/usr"};
    size_t len = strlen(s);
    if (len < 2)
        return false;
    if (!grammar_absolute_path(s) || !is_name(s, "/", ALNUM "-_./") || s[len - 1] == '/' ||
        strstr(s, "//") || strstr(s, "/./") || strcmp(s + len - 2, "/.") == 0)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        if (path_is_at_or_below(s, others[i]))
            return false;
    return !path_is_at_or_below(s, AGENT_STATE_DIR) && !path_is_at_or_below(s, AGENT_VOLUMES_DIR) &&
           !path_is_at_or_below("/var/lib", s) && !path_is_at_or_below("/home", s) &&
           !path_is_at_or_below("/root", s);
}

void inventory_disk_release(struct disk *d)
{
    char *texts[] = {d->serial, d->wwn, d->path, d->class, d->mount, d->fs, d->wipe};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free(texts[i]);
    *d = (struct disk){0};
}

static const struct yaml_node *at(const struct yaml_node *node, const char *key)
{
    const struct yaml_node *value = yaml_get(node, key);
    return value ? value : node;
}

static int check_one(const struct inventory_reader *r, const struct yaml_node *node,
                     const struct disk *d, struct error *err)
{
    int names = (d->serial != NULL) + (d->wwn != NULL) + (d->path != NULL);
    if (names != 1)
        return yaml_error(r->file, node, err,
                          "the disk is named by %s of serial, wwn and path, expected exactly one",
                          names == 0 ? "none" : "several");
    if (!d->class == !d->mount)
        return yaml_error(r->file, node, err,
                          "the disk has %s of class and mount, expected exactly one",
                          d->class ? "both" : "none");
    if (d->wipe && d->serial && strcmp(d->wipe, d->serial) != 0) {
        (void) yaml_error(r->file, at(node, "wipe"), err,
                          "wipe is '%s' and the disk's serial '%s', expected the same", d->wipe,
                          d->serial);
        (void) error_remedy(err, "wipe repeats the serial of the one disk whose content may go");
        return -EINVAL;
    }
    return 0;
}

char *inventory_disk_mount(const struct disk *d)
{
    return d->mount ? xstrdup(d->mount) : path_join(AGENT_VOLUMES_DIR, d->class);
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static int check_against(const struct inventory_reader *r, const struct yaml_node *node,
                         const struct disk *d, const struct disk *other, struct error *err)
{
    AUTO_FREE char *mount = inventory_disk_mount(d);
    AUTO_FREE char *others = inventory_disk_mount(other);
    if (same(d->serial, other->serial) || same(d->wwn, other->wwn) || same(d->path, other->path))
        return yaml_error(r->file, node, err, "disk %s is named twice, expected each once",
                          d->serial ? d->serial
                          : d->wwn  ? d->wwn
                                    : d->path);
    if (same(d->class, other->class))
        return yaml_error(r->file, at(node, "class"), err,
                          "class %s has a disk already, expected one disk of a class on a host",
                          d->class);
    if (path_is_at_or_below(mount, others) || path_is_at_or_below(others, mount))
        return yaml_error(r->file, at(node, "mount"), err,
                          "%s and %s lie in each other, expected separate folders", mount, others);
    return 0;
}

static int read_disk(struct inventory_reader *r, const struct inventory_key *key,
                     const struct yaml_node *node, struct host *h, struct error *err)
{
    struct inventory_key one = *key;
    one.name = "disk";
    one.expected = "a mapping such as {serial: S3Z8NB0K, class: fast}";
    int rc = inventory_need_kind(r, &one, node, YAML_MAPPING, err);
    if (rc < 0)
        return rc;
    h->disks = xrealloc(h->disks, h->disk_count + 1, sizeof(*h->disks));
    struct disk *d = &h->disks[h->disk_count++];
    *d = (struct disk){0};
    inventory_set_fallbacks(r, PLACE_DISK, d);
    rc = inventory_read_section(r, node, PLACE_DISK, d, err);
    rc = rc < 0 ? rc : check_one(r, node, d, err);
    for (size_t i = 0; rc == 0 && i + 1 < h->disk_count; i++)
        rc = check_against(r, node, d, &h->disks[i], err);
    return rc;
}

static int read_disks(struct inventory_reader *r, const struct inventory_key *key,
                      const struct yaml_node *node, void *target, struct error *err)
{
    int rc = inventory_need_kind(r, key, node, YAML_SEQUENCE, err);
    if (rc == 0 && node->count > DISK_WISHES_MAX)
        return yaml_error(r->file, node, err, "%zu disks, expected at most %d", node->count,
                          DISK_WISHES_MAX);
    for (size_t i = 0; rc == 0 && i < node->count; i++)
        rc = read_disk(r, key, node->items[i], target, err);
    return rc;
}

static void schema_disks(const struct inventory_key *key, json_t *into)
{
    (void) key;
    json_t *mapping = json_object();
    inventory_schema_section(PLACE_DISK, mapping);
    json_object_set_new(into, "type", json_string("array"));
    json_object_set_new(into, "maxItems", json_integer(DISK_WISHES_MAX));
    json_object_set_new(into, "items", mapping);
}

const struct inventory_type type_disks = {read_disks, NULL, schema_disks};
