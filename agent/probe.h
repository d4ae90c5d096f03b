/* How fast the file systems are that data will be on: the call "probe" (lib/protocol.h). What it
 * writes is a file without a name, which is gone however the agent ends. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_PATHS_MAX 64
#define PROBE_SECONDS_MAX 10

/* As etcd's documentation measures disks ("How to benchmark etcd's disk with fio"): writes of 2300
 * bytes in a file of 22 MiB, each made durable by fdatasync. */
#define PROBE_RECORD 2300
#define PROBE_LOG_BYTES (22 * 1024 * 1024)
#define PROBE_STREAM_BYTES (256 * 1024 * 1024) /* at most, written and read one after another */
#define PROBE_ROOM_BYTES (64 * 1024 * 1024)    /* of free room, below which nothing is tried */

struct probe {
    uint32_t fsync_p50_us, fsync_p99_us;
    uint64_t write_kib_s, read_kib_s; /* 0: too little room to tell */
    uint64_t free_kib, inodes, free_inodes; /* inodes 0: the file system makes them as needed */
};

/* The path, or the nearest folder above it that is there; the caller frees. */
char *probe_folder(const char *path);
/* The file system that probe_folder() is on. seconds: two thirds of them for fdatasync. -ENOSPC,
 * -EROFS, -ECANCELED, … */
int probe_run(const char *path, int seconds, const bool *cancel, struct probe *out,
              struct error *err);
/* The call: file systems at the same time, each once. The result is kept in AGENT_STATE_DIR. */
int probe_call(const json_t *params, const bool *cancel, json_t **result, struct error *err);
/* What was measured last, with room and inodes of now; an empty array when nothing was. The caller
 * owns it. */
json_t *probe_facts(void);

/* The value that `percent` of the samples do not pass; sorts them. 0 for none. */
uint32_t probe_percentile(uint32_t *samples, size_t count, unsigned percent);
