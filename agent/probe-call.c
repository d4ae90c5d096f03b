/* The call "probe": several file systems at the same time, and what they said the last time. */
#include "agent/paths.h"
#include "agent/probe.h"
#include "lib/clock.h"
#include "lib/grammar.h"
#include "lib/protocol.h"
#include "lib/state-file.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define SECONDS_DEFAULT 3
#define PROBES AGENT_STATE_DIR "/probes.json"

struct work {
    const char *path; /* borrowed from the params */
    dev_t device;
    size_t same; /* index of the first one on this file system: its own, or an earlier one's */
    int seconds;
    const bool *cancel;
    bool started;
    pthread_t thread;
    int code;
    struct probe probe;
    struct error err;
};

static void *run(void *arg)
{
    struct work *w = arg;
    w->code = probe_run(w->path, w->seconds, w->cancel, &w->probe, &w->err);
    return NULL;
}

static dev_t device_of(const char *path)
{
    AUTO_FREE char *folder = probe_folder(path);
    struct stat st;
    return stat(folder, &st) == 0 ? st.st_dev : 0;
}

static void start(struct work *all, size_t i)
{
    struct work *w = &all[i];
    w->device = device_of(w->path);
    w->same = i;
    for (size_t k = 0; k < i; k++)
        if (all[k].device == w->device) {
            w->same = all[k].same;
            return;
        }
    int r = -pthread_create(&w->thread, NULL, run, w);
    w->started = r == 0;
    if (!w->started) /* else the code is the thread's, which may have ended by now */
        w->code = error_errno(&w->err, r, "start a thread");
}

static json_t *to_json(const struct probe *p, const char *path)
{
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "path", path, "fsync_p50_us",
                     (json_int_t) p->fsync_p50_us, "fsync_p99_us", (json_int_t) p->fsync_p99_us,
                     "write_kib_s", (json_int_t) p->write_kib_s, "read_kib_s",
                     (json_int_t) p->read_kib_s, "free_kib", (json_int_t) p->free_kib, "inodes",
                     (json_int_t) p->inodes, "free_inodes", (json_int_t) p->free_inodes);
}

static json_t *collect(struct work *all, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct work *w = &all[all[i].same];
        json_array_append_new(
            list, w->code < 0 ? json_pack("{s:s,s:s}", "path", all[i].path, "error", w->err.text)
                              : to_json(&w->probe, all[i].path));
    }
    return list;
}

static int need_params(const json_t *params, json_t **paths, int *seconds, struct error *err)
{
    int r = json_need_array(params, "paths", paths, err);
    int64_t wanted = json_get_int(params, "seconds", SECONDS_DEFAULT);
    if (r < 0)
        return r;
    if (json_array_size(*paths) > PROBE_PATHS_MAX || wanted < 1 || wanted > PROBE_SECONDS_MAX)
        return error_set(err, -EINVAL, "at most %d paths and %d seconds", PROBE_PATHS_MAX,
                         PROBE_SECONDS_MAX);
    for (size_t i = 0; i < json_array_size(*paths); i++) {
        const char *path = json_string_value(json_array_get(*paths, i));
        if (!path || !grammar_absolute_path(path))
            return error_set(err, -EINVAL, "paths: expected absolute paths");
    }
    *seconds = (int) wanted;
    return 0;
}

static bool has_path(const json_t *list, const char *path)
{
    size_t i;
    json_t *probe;
    json_array_foreach(list, i, probe)
        if (strcmp(json_get_string(probe, "path", ""), path) == 0)
            return true;
    return false;
}

/* Beside what was measured of other paths; without it, status cannot show them. */
static void keep(json_t *list)
{
    AUTO_FREE char *path = agent_path(PROBES);
    AUTO_JSON *kept = NULL;
    AUTO_JSON *all = json_copy(list);
    (void) state_file_read(path, &kept, NULL);
    size_t i;
    json_t *probe;
    json_array_foreach(json_object_get(kept, "probes"), i, probe)
        if (!has_path(list, json_get_string(probe, "path", "")) &&
            json_array_size(all) < PROBE_PATHS_MAX)
            json_array_append(all, probe);
    AUTO_JSON *state = json_pack("{s:O}", "probes", all);
    (void) state_file_write(path, state, NULL);
}

int probe_call(const json_t *params, const bool *cancel, json_t **result, struct error *err)
{
    json_t *paths = NULL;
    int seconds = 0;
    int r = need_params(params, &paths, &seconds, err);
    if (r < 0)
        return r;
    size_t count = json_array_size(paths);
    AUTO_FREE struct work *all = xcalloc(count + 1, sizeof(*all));
    for (size_t i = 0; i < count; i++) {
        all[i] = (struct work){.path = json_string_value(json_array_get(paths, i)),
                               .seconds = seconds,
                               .cancel = cancel};
        start(all, i);
    }
    for (size_t i = 0; i < count; i++)
        if (all[i].started)
            pthread_join(all[i].thread, NULL);
    AUTO_JSON *probes = json_pack("{s:o,s:I}", "probes", collect(all, count), "at_ms",
                                  (json_int_t) clock_wall_ms());
    keep(json_object_get(probes, "probes"));
    *result = json_incref(probes);
    return 0;
}

json_t *probe_facts(void)
{
    AUTO_FREE char *path = agent_path(PROBES);
    AUTO_JSON *kept = NULL;
    if (state_file_read(path, &kept, NULL) != 1)
        return json_array();
    size_t i;
    json_t *probe;
    json_array_foreach(json_object_get(kept, "probes"), i, probe) {
        AUTO_FREE char *folder = probe_folder(json_get_string(probe, "path", "/"));
        struct statvfs s;
        if (statvfs(folder, &s) < 0)
            continue;
        json_object_set_new(probe, "free_kib",
                            json_integer((json_int_t) (s.f_bavail * s.f_frsize / 1024)));
        json_object_set_new(probe, "inodes", json_integer((json_int_t) s.f_files));
        json_object_set_new(probe, "free_inodes", json_integer((json_int_t) s.f_favail));
    }
    json_t *list = json_object_get(kept, "probes");
    return json_is_array(list) ? json_incref(list) : json_array();
}
