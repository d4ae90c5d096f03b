#include "coordinator/preflight-data.h"

#include "lib/protocol.h"

#include <inttypes.h>
#include <string.h>

#define ETCD_DIR "/var/lib/etcd" /* kubeadm's default (app/apis/kubeadm/v1beta4/defaults.go) */
#define WORDS_MAX 1024

static bool is_mounted(const json_t *facts, const char *path)
{
    size_t i;
    json_t *disk;
    json_array_foreach(json_object_get(facts, "data_disks"), i, disk)
        if (strcmp(json_get_string(disk, "mount", ""), path) == 0 &&
            strcmp(json_get_string(disk, "state", ""), "mounted") == 0)
            return true;
    return false;
}

void data_paths(const struct host *host, const json_t *facts, bool mounted, struct strv *out)
{
    STRV(later);
    STRV(now);
    for (size_t i = 0; i < host->disk_count; i++) {
        AUTO_FREE char *path = inventory_disk_mount(&host->disks[i]);
        strv_add(is_mounted(facts, path) ? &now : &later, path);
    }
    if ((host->roles & ROLE_CONTROL_PLANE) && !strv_contains(&later, ETCD_DIR) &&
        !strv_contains(&now, ETCD_DIR))
        strv_add(&now, ETCD_DIR);
    if ((host->roles & ROLE_WORKER) && !strv_contains(&later, AGENT_VOLUMES_DIR) &&
        !strv_contains(&now, AGENT_VOLUMES_DIR))
        strv_add(&now, AGENT_VOLUMES_DIR);
    strv_add_all(out, (const char *const *) (mounted ? now.items : later.items));
}

static bool is_etcd(const json_t *probe)
{
    return strcmp(json_get_string(probe, "path", ""), ETCD_DIR) == 0;
}

static void add_name(const json_t *probe, struct strbuf *out)
{
    const char *path = json_get_string(probe, "path", "?");
    if (is_etcd(probe))
        strbuf_adds(out, "etcd disk");
    else
        strbuf_addf(out, "disk of %s", path);
}

static void add_ms(int64_t us, struct strbuf *out)
{
    strbuf_addf(out, us < 100000 ? "%.1f ms" : "%.0f ms", (double) us / 1000);
}

static int64_t megabytes(const json_t *probe, const char *key)
{
    return json_get_int(probe, key, 0) * 1024 / 1000000;
}

/* -1: the file system makes them as it needs them. */
static int64_t inodes_percent(const json_t *probe)
{
    int64_t all = json_get_int(probe, "inodes", 0), left = json_get_int(probe, "free_inodes", 0);
    return all > 0 && left >= 0 ? (int64_t) ((double) left * 100 / (double) all) : -1;
}

static void add_room(int64_t kib, struct strbuf *out)
{
    if (kib >= 10L * 1024 * 1024)
        strbuf_addf(out, "%" PRId64 " GiB", kib / 1024 / 1024);
    else
        strbuf_addf(out, "%" PRId64 " MiB", kib / 1024);
}

void data_words(const json_t *probe, struct strbuf *out)
{
    const char *error = json_get_string(probe, "error", NULL);
    add_name(probe, out);
    if (error) {
        strbuf_addf(out, ": not measured: %s", error);
        return;
    }
    strbuf_adds(out, ": fsync p99 ");
    add_ms(json_get_int(probe, "fsync_p99_us", 0), out);
    strbuf_addf(out, ", write/read %" PRId64 "/%" PRId64 " MB/s, ", megabytes(probe, "write_kib_s"),
                megabytes(probe, "read_kib_s"));
    add_room(json_get_int(probe, "free_kib", 0), out);
    strbuf_adds(out, " free");
    if (inodes_percent(probe) >= 0)
        strbuf_addf(out, ", inodes %" PRId64 " %% free", inodes_percent(probe));
}

static void check_fsync(const json_t *probe, struct findings *out, struct strv *consent)
{
    STRBUF(text, WORDS_MAX);
    int64_t us = json_get_int(probe, "fsync_p99_us", 0);
    if (us <= DATA_FSYNC_WARN_US)
        return;
    add_name(probe, &text);
    strbuf_adds(&text, ": one in a hundred fsyncs takes ");
    add_ms(us, &text);
    const char *means = is_etcd(probe) ? "etcd wants less than 10 ms: the API may stall and leaders"
                                         " change under load"
                                       : "databases and brokers wait that long for each commit";
    if (us > DATA_FSYNC_CONSENT_US)
        strv_addf(consent, "%s; %s", text.data, means);
    else
        findings_add(out, false, means, "%s", text.data);
}

static void check_room(const json_t *probe, struct findings *out)
{
    STRBUF(text, WORDS_MAX);
    STRBUF(name, WORDS_MAX);
    int64_t kib = json_get_int(probe, "free_kib", 0), inodes = inodes_percent(probe);
    add_name(probe, &name);
    add_room(kib, &text);
    if (kib < DATA_FREE_WARN_KIB)
        findings_add(out, false, "data has little room there: free some, or name another disk",
                     "%s: only %s free", name.data, text.data);
    if (inodes >= 0 && inodes < DATA_INODES_WARN_PERCENT)
        findings_add(out, false, "many small files would fill it before its room is used",
                     "%s: only %" PRId64 " %% of its inodes are free", name.data, inodes);
}

void data_check(const json_t *probe, struct findings *out, struct strv *consent)
{
    const char *error = json_get_string(probe, "error", NULL);
    if (error) {
        STRBUF(name, WORDS_MAX);
        add_name(probe, &name);
        findings_add(out, false, "how fast it is, is not known", "%s: %s", name.data, error);
        return;
    }
    check_fsync(probe, out, consent);
    check_room(probe, out);
}
