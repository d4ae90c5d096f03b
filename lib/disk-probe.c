#include "lib/disk-probe.h"

#include "lib/disk-choice.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIGNATURES_MAX 32 /* a disk full of nonsense must not fill a frame */

static void probe_free(blkid_probe *probe)
{
    blkid_free_probe(*probe);
}
#define AUTO_PROBE CLEANUP(probe_free) blkid_probe

static blkid_probe new_probe(int fd, struct error *err)
{
    blkid_probe probe = blkid_new_probe();
    if (!probe || blkid_probe_set_device(probe, fd, 0, 0) < 0) {
        blkid_free_probe(probe);
        error_set(err, -EIO, "cannot begin to look at its content");
        return NULL;
    }
    blkid_probe_enable_superblocks(probe, 1);
    /* A signature with a wrong checksum is one, too: of something that wants to be repaired. */
    blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_TYPE |
                                                 BLKID_SUBLKS_USAGE | BLKID_SUBLKS_LABEL |
                                                 BLKID_SUBLKS_UUID | BLKID_SUBLKS_BADCSUM);
    blkid_probe_enable_partitions(probe, 1);
    blkid_probe_set_partitions_flags(probe, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
    return probe;
}

static const char *value_of(blkid_probe probe, const char *name)
{
    const char *value = NULL;
    return blkid_probe_lookup_value(probe, name, &value, NULL) == 0 && *value ? value : NULL;
}

static void set_text(json_t *object, const char *key, const char *value)
{
    STRBUF(safe, 256);
    if (!value)
        return;
    strbuf_add_printable(&safe, value, strlen(value));
    json_object_set_new(object, key, json_string(safe.data));
}

/* Adds one signature unless its like is there: both copies of a GPT are one. */
static void add_signature(json_t *signatures, const char *type, const char *usage,
                          const char *label, const char *uuid)
{
    AUTO_JSON *signature = json_object();
    set_text(signature, "type", type);
    set_text(signature, "usage", usage);
    set_text(signature, "label", label);
    set_text(signature, "uuid", uuid);
    json_add_distinct(signatures, signature, SIGNATURES_MAX);
}

static void take(blkid_probe probe, json_t *signatures)
{
    const char *table = value_of(probe, "PTTYPE"), *type = value_of(probe, "TYPE");
    const char *usage = value_of(probe, "USAGE");
    if (table)
        add_signature(signatures, table, "partition table", NULL, value_of(probe, "PTUUID"));
    else if (type)
        add_signature(signatures, type, usage ? usage : "other", value_of(probe, "LABEL"),
                      value_of(probe, "UUID"));
}

/* So that what it hides is found in its turn: a GPT's copy at the end, a table below a file system.
 * False when it has no magic that could be taken out of sight. */
static bool hide(blkid_probe probe)
{
    const char *offset = value_of(probe, "SBMAGIC_OFFSET"), *magic = NULL;
    size_t len = 0;
    const char *key = "SBMAGIC";
    if (!offset) {
        offset = value_of(probe, "PTMAGIC_OFFSET");
        key = "PTMAGIC";
    }
    if (!offset || blkid_probe_lookup_value(probe, key, &magic, &len) != 0 || len == 0)
        return false;
    return blkid_probe_hide_range(probe, strtoull(offset, NULL, 10), len) == 0 &&
           blkid_probe_step_back(probe) == 0;
}

static int find_signatures(int fd, json_t *signatures, struct error *err)
{
    AUTO_PROBE probe = new_probe(fd, err);
    if (!probe)
        return -EIO;
    int r = 0;
    for (int i = 0; i < SIGNATURES_MAX && (r = blkid_do_probe(probe)) == 0; i++) {
        take(probe, signatures);
        (void) hide(probe);
    }
    return r < 0 ? error_set(err, -EIO, "its content cannot be read") : 0;
}

static int find_unknown_data(int fd, json_t *signatures, struct error *err)
{
    static const size_t many = DISK_SAMPLE_SIZE / 4;
    AUTO_FREE unsigned char *sample = xcalloc(1, DISK_SAMPLE_SIZE);
    size_t bytes = 0;
    ssize_t n = pread(fd, sample, DISK_SAMPLE_SIZE, 0);
    if (n < 0)
        return error_errno(err, -errno, "read its first bytes");
    for (size_t i = 0; i < (size_t) n; i++)
        bytes += sample[i] != 0;
    if (bytes >= many)
        add_signature(signatures, DISK_UNKNOWN_DATA, "other", NULL, NULL);
    return 0;
}

int disk_probe(int fd, json_t **out, struct error *err)
{
    AUTO_JSON *signatures = json_array();
    int r = find_signatures(fd, signatures, err);
    if (r == 0 && json_array_size(signatures) == 0)
        r = find_unknown_data(fd, signatures, err);
    if (r == 0)
        *out = json_incref(signatures);
    return r;
}

int disk_wipe(int fd, struct error *err)
{
    AUTO_PROBE probe = new_probe(fd, err);
    if (!probe)
        return -EIO;
    int r = 0;
    /* Each is looked for again after it was erased: most have copies. */
    for (int i = 0; i < 4 * SIGNATURES_MAX && (r = blkid_do_probe(probe)) == 0; i++)
        if (blkid_do_wipe(probe, 0) < 0)
            return error_set(err, -EIO, "erase what is on it: a write failed");
    if (r < 0 || fsync(fd) < 0)
        return error_set(err, -EIO, "erase what is on it: the disk does not answer");
    return 0;
}
