#include "agent/facts.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/strv.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#define TEXT_MAX (64 * 1024)
#define IMAGE_MARK "/etc/bigtop/authorized_keys" /* iso/site.h */

/* The first line of a small file, or null. */
static json_t *line_of(const char *path)
{
    STRBUF(text, TEXT_MAX);
    if (file_read(path, &text, NULL) < 0 || text.len == 0)
        return json_null();
    AUTO_FREE char *line = xstrndup(text.data, strcspn(text.data, "\n"));
    json_t *out = json_string(line);
    return out ? out : json_null();
}

/* os-release(5): shell-like quotes around the value, nothing else of a shell. */
static char *os_release_value(const char *text, const char *key)
{
    STRV(lines);
    strv_split(&lines, text, '\n');
    size_t len = strlen(key);
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = lines.items[i];
        if (strncmp(line, key, len) != 0 || line[len] != '=')
            continue;
        const char *value = line + len + 1;
        size_t n = strlen(value);
        bool is_quoted = n >= 2 && (value[0] == '"' || value[0] == '\'') &&
                         value[n - 1] == value[0];
        return is_quoted ? xstrndup(value + 1, n - 2) : xstrdup(value);
    }
    return xstrdup("");
}

static void set_os(json_t *obj)
{
    static const char *const keys[][2] = {
        {"id", "ID"}, {"version_id", "VERSION_ID"}, {"pretty", "PRETTY_NAME"}};
    STRBUF(text, TEXT_MAX);
    if (file_read("/etc/os-release", &text, NULL) < 0)
        file_read("/usr/lib/os-release", &text, NULL);
    json_t *os = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        AUTO_FREE char *value = os_release_value(text.data, keys[i][1]);
        json_object_set_new(os, keys[i][0], json_string(value));
    }
    json_object_set_new(obj, "os", os);
}

static int64_t meminfo_kib(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? strtoll(at + strlen(key), NULL, 10) : 0;
}

static void set_memory(json_t *obj)
{
    STRBUF(text, TEXT_MAX);
    file_read("/proc/meminfo", &text, NULL);
    json_object_set_new(obj, "memory_kib", json_integer(meminfo_kib(text.data, "MemTotal:")));
    json_object_set_new(obj, "memory_available_kib",
                        json_integer(meminfo_kib(text.data, "MemAvailable:")));
}

/* "/swapfile file 1048572 0 -2" below a line of titles. */
static void set_swap(json_t *obj)
{
    STRBUF(text, TEXT_MAX);
    STRV(lines);
    json_t *swap = json_array();
    file_read("/proc/swaps", &text, NULL);
    strv_split(&lines, text.data, '\n');
    for (size_t i = 1; i < lines.count && i < FACTS_LIST_MAX; i++) {
        STRV(fields);
        for (char *tab = lines.items[i]; (tab = strchr(tab, '\t')); tab++)
            *tab = ' ';
        strv_split(&fields, lines.items[i], ' ');
        if (fields.count < 3)
            continue;
        json_array_append_new(swap, json_pack("{s:s, s:I}", "device", fields.items[0], "kib",
                                              (json_int_t) strtoll(fields.items[2], NULL, 10)));
    }
    json_object_set_new(obj, "swap", swap);
}

static void set_disk(json_t *disks, const char *path)
{
    struct statvfs fs;
    if (statvfs(path, &fs) < 0)
        return;
    json_int_t total = (json_int_t) ((uint64_t) fs.f_blocks * fs.f_frsize / 1024);
    json_int_t unused = (json_int_t) ((uint64_t) fs.f_bfree * fs.f_frsize / 1024);
    json_object_set_new(disks, path,
                        json_pack("{s:I, s:I}", "total_kib", total, "free_kib", unused));
}

static int cgroup_version(void)
{
    struct statfs fs;
    return statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC ? 2 : 1;
}

/* adjtimex(2): whoever keeps the clock, such as an NTP client, says how far it can be trusted. */
static json_t *clock_state(void)
{
    struct timex t = {0};
    bool kept = adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);
    return json_pack("{s:b, s:b}", "kept", kept, "image", access(IMAGE_MARK, F_OK) == 0);
}

void facts_system(json_t *obj)
{
    struct utsname name;
    uname(&name);
    json_t *disks = json_object();
    set_disk(disks, "/");
    set_disk(disks, "/var/lib");
    json_object_set_new(obj, "hostname", json_string(name.nodename));
    json_object_set_new(obj, "kernel", json_string(name.release));
    json_object_set_new(obj, "arch", json_string(name.machine));
    json_object_set_new(obj, "machine_id", line_of("/etc/machine-id"));
    json_object_set_new(obj, "product_uuid", line_of("/sys/class/dmi/id/product_uuid"));
    json_object_set_new(obj, "boot_id", line_of("/proc/sys/kernel/random/boot_id"));
    json_object_set_new(obj, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    json_object_set_new(obj, "cgroup", json_integer(cgroup_version()));
    json_object_set_new(obj, "time_ms", json_integer(clock_wall_ms()));
    json_object_set_new(obj, "clock", clock_state());
    json_object_set_new(obj, "disks", disks);
    set_os(obj);
    set_memory(obj);
    set_swap(obj);
}
