/* Whether the disks are good enough for what data work does to them: judges what the agents
 * measured (call "probe"). Pure. */
#pragma once

#include "coordinator/inventory.h"
#include "coordinator/preflight.h"
#include "lib/json.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

/* etcd documentation, "What does the etcd warning 'failed to send out heartbeat on time' mean?":
 * the 99th percentile of fsync should be below 10 ms. Ten times as much: etcd's elections time out
 * (1 s) under any load. */
#define DATA_FSYNC_WARN_US 10000
#define DATA_FSYNC_CONSENT_US 100000
#define DATA_FREE_WARN_KIB (10L * 1024 * 1024)
#define DATA_INODES_WARN_PERCENT 10

/* The folders that matter on a host: etcd's, the volumes', the named disks'. Appended. facts: of
 * the host; disks that are not mounted yet are left out, or, with `mounted` false, only those are
 * given. */
void data_paths(const struct host *host, const json_t *facts, bool mounted, struct strv *out);
/* "etcd disk: fsync p99 2.1 ms, 480/510 MB/s, 45 GiB free, inodes 99 % free", or why it is not
 * known. */
void data_words(const json_t *probe, struct strbuf *out);
/* Adds warnings; what needs consent first is appended to `consent` in words. */
void data_check(const json_t *probe, struct findings *out, struct strv *consent);
