#include "agent/disk-watch.h"

#include "agent/data-disks.h"
#include "agent/node-status.h"
#include "agent/paths.h"
#include "agent/units.h"
#include "lib/protocol.h"
#include "lib/state-file.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOUNT_TIMEOUT_MS 60000
#define LIST_MAX 512 /* bytes of a condition's message */

static struct {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool running, stop, look;
    const struct ledger *ledger; /* knows the node's name */
    json_t *told;                /* the condition that the API server has last been told of */
} watch = {.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

static void add_disk(struct strbuf *out, const json_t *disk)
{
    strbuf_addf(out, "%s%s (%s) is %s", out->len ? "; " : "", json_get_string(disk, "mount", "?"),
                json_get_string(disk, "identity", "?"), json_get_string(disk, "state", "?"));
}

json_t *disk_condition(const json_t *disks)
{
    STRBUF(bad, LIST_MAX);
    bool missing = false;
    size_t i;
    json_t *disk;
    json_array_foreach(disks, i, disk) {
        const char *state = json_get_string(disk, "state", "");
        if (strcmp(state, "mounted") == 0)
            continue;
        missing = missing || strcmp(state, "missing") == 0;
        add_disk(&bad, disk);
    }
    if (json_array_size(disks) == 0)
        return NULL;
    const char *reason = bad.len == 0 ? "AllMounted" : missing ? "DiskMissing" : "WrongDisk";
    return json_pack("{s:s, s:s, s:s, s:s}", "type", DISK_CONDITION, "status",
                     bad.len ? "False" : "True", "reason", reason, "message",
                     bad.len ? bad.data : "every data disk is mounted");
}

static bool is_there(const json_t *disk)
{
    return access(json_get_string(disk, "source", ""), F_OK) == 0;
}

/* Mounts what came back. True: something changed, so look again. */
static bool mount_returned(const json_t *disks)
{
    bool any = false;
    size_t i;
    json_t *disk;
    json_array_foreach(disks, i, disk) {
        struct error err = ERROR_INIT;
        const char *unit = json_get_string(disk, "unit", "?");
        if (strcmp(json_get_string(disk, "state", ""), "missing") != 0 || !is_there(disk))
            continue;
        if (unit_start(unit, MOUNT_TIMEOUT_MS, &err) == 0) {
            fprintf(stderr, "mounted %s, whose disk is there again\n", unit);
            any = true;
        }
    }
    return any;
}

static json_t *look_at_disks(void)
{
    data_disks_lock();
    json_t *disks = data_disks_facts();
    if (mount_returned(disks)) {
        json_decref(disks);
        disks = data_disks_facts();
    }
    data_disks_unlock();
    return disks;
}

/* Beside the socket: another agent of this boot need not tell it again. */
static char *told_path(void)
{
    return agent_path(AGENT_RUN_DIR "/disk-condition.json");
}

static void tell(json_t *condition)
{
    AUTO_FREE char *path = told_path();
    const char *node = ledger_get(watch.ledger, "node");
    if (!node || json_equal(condition, watch.told) ||
        node_status_set_condition(node, condition, NULL) < 0)
        return;
    json_decref(watch.told);
    watch.told = json_incref(condition);
    (void) state_file_write(path, condition, NULL);
}

/* True while there are disks to look after. */
static bool turn(void)
{
    AUTO_JSON *disks = look_at_disks();
    AUTO_JSON *condition = disk_condition(disks);
    if (condition)
        tell(condition);
    return condition != NULL;
}

static void sleep_until_next(bool active)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DISK_WATCH_MS / 1000;
    int r = 0;
    while (!watch.stop && !watch.look && r != ETIMEDOUT)
        r = active ? pthread_cond_clockwait(&watch.cond, &watch.mutex, CLOCK_MONOTONIC, &until)
                   : pthread_cond_wait(&watch.cond, &watch.mutex);
}

static void *run(void *arg)
{
    (void) arg;
    pthread_mutex_lock(&watch.mutex);
    while (!watch.stop) {
        watch.look = false;
        pthread_mutex_unlock(&watch.mutex);
        bool active = turn();
        pthread_mutex_lock(&watch.mutex);
        sleep_until_next(active);
    }
    pthread_mutex_unlock(&watch.mutex);
    return NULL;
}

static void wake(bool *flag)
{
    pthread_mutex_lock(&watch.mutex);
    *flag = true;
    pthread_cond_signal(&watch.cond);
    pthread_mutex_unlock(&watch.mutex);
}

void disk_watch_begin(const struct ledger *ledger)
{
    AUTO_FREE char *path = told_path();
    watch.stop = false;
    watch.ledger = ledger;
    (void) state_file_read(path, &watch.told, NULL);
    int r = pthread_create(&watch.thread, NULL, run, NULL);
    watch.running = r == 0;
    if (r != 0)
        fprintf(stderr, "data disks are not looked after: %s\n", strerror(r));
}

void disk_watch_look(void)
{
    wake(&watch.look);
}

void disk_watch_end(void)
{
    if (!watch.running)
        return;
    wake(&watch.stop);
    pthread_join(watch.thread, NULL);
    watch.running = false;
    json_decref(watch.told);
    watch.told = NULL;
}
