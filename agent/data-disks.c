#include "agent/data-disks.h"

#include "agent/disk-marker.h"
#include "agent/mounts.h"
#include "agent/paths.h"
#include "lib/path.h"
#include "lib/state-file.h"

#include <pthread.h>
#include <string.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void data_disks_lock(void)
{
    pthread_mutex_lock(&mutex);
}

void data_disks_unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

int data_disks_read(json_t **out, struct error *err)
{
    AUTO_FREE char *path = agent_path(DATA_DISKS_FILE);
    AUTO_JSON *state = NULL;
    int r = state_file_read(path, &state, err);
    if (r < 0)
        return error_remedy(err, "remove the file; the next apply writes it anew");
    json_t *disks = json_object_get(state, "disks");
    *out = json_is_array(disks) ? json_incref(disks) : json_array();
    return 0;
}

static int store(json_t *disks, struct error *err)
{
    AUTO_FREE char *path = agent_path(DATA_DISKS_FILE);
    AUTO_JSON *state = json_pack("{s:O}", "disks", disks);
    return state_file_write(path, state, err);
}

/* Where the entry of that mount point is, or the end. */
static size_t index_of(const json_t *disks, const char *mount)
{
    size_t i;
    json_t *entry;
    json_array_foreach(disks, i, entry)
        if (strcmp(json_get_string(entry, "mount", ""), mount) == 0)
            return i;
    return json_array_size(disks);
}

int data_disks_remember(const json_t *entry, struct error *err)
{
    AUTO_JSON *disks = NULL;
    int r = data_disks_read(&disks, err);
    if (r < 0)
        return r;
    size_t i = index_of(disks, json_get_string(entry, "mount", ""));
    json_t *copy = json_deep_copy(entry);
    if (i < json_array_size(disks))
        json_array_set_new(disks, i, copy);
    else
        json_array_append_new(disks, copy);
    return store(disks, err);
}

int data_disks_forget(const char *mount, struct error *err)
{
    AUTO_JSON *disks = NULL;
    int r = data_disks_read(&disks, err);
    if (r < 0)
        return r;
    size_t i = index_of(disks, mount);
    if (i == json_array_size(disks))
        return 0;
    json_array_remove(disks, i);
    return store(disks, err);
}

json_t *data_disks_occupied(const json_t *wishes)
{
    json_t *occupied = json_array();
    STRV(mounts);
    mounts_list(&mounts, NULL);
    size_t i;
    json_t *wish;
    json_array_foreach(wishes, i, wish) {
        const char *mount = json_get_string(wish, "mount", "/");
        if (!strv_contains(&mounts, mount) && path_is_empty(mount, NULL) == 0)
            json_array_append_new(occupied, json_string(mount));
    }
    return occupied;
}

const char *data_disk_state(const json_t *entry)
{
    const char *mount = json_get_string(entry, "mount", "");
    char uuid[UUID_SIZE];
    STRV(mounts);
    if (mounts_list(&mounts, NULL) < 0 || !strv_contains(&mounts, mount))
        return "missing";
    return disk_marker_read(mount, uuid) == 0 &&
                   strcmp(uuid, json_get_string(entry, "uuid", "")) == 0
               ? "mounted"
               : "wrong";
}

json_t *data_disks_facts(void)
{
    json_t *disks = NULL;
    if (data_disks_read(&disks, NULL) < 0)
        return json_array();
    size_t i;
    json_t *entry;
    json_array_foreach(disks, i, entry)
        json_object_set_new(entry, "state", json_string(data_disk_state(entry)));
    return disks;
}
