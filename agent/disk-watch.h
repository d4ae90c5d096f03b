/* A light thread of the service that looks after the data disks: one that comes back is mounted
 * again, and the node's condition DataDisksReady says what is missing. It sleeps for good while
 * there is no data disk, and writes nothing while nothing changes. */
#pragma once

#include "agent/ledger.h"
#include "lib/json.h"

#include <stdbool.h>

#define DISK_WATCH_MS 10000
#define DISK_CONDITION "DataDisksReady"

/* Starts the thread; without one the agent does everything else. */
void disk_watch_begin(const struct ledger *ledger);
/* Look now: the list of disks changed. Any thread. */
void disk_watch_look(void);
/* Ends the thread, and waits for it. */
void disk_watch_end(void);

/* {"type","status","reason","message"} of disks with their "state"; NULL when there is none. Pure;
 * the caller's. */
json_t *disk_condition(const json_t *disks);
