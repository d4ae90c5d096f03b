/* The data disks that this host was told to use, and how they are now. The list is a state file:
 * it outlives the agent, and goes with the state folder on reset. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"

#define DATA_DISKS_FILE "/var/lib/bigtop/disks.json" /* below AGENT_STATE_DIR */

/* [{"mount","unit","source","uuid","fs","label","identity"},…], an empty array when there is none.
 * The caller owns *out. */
int data_disks_read(json_t **out, struct error *err);
/* Puts the entry in the place of the one with its "mount", or adds it: 1; 0 when it was so. */
int data_disks_remember(const json_t *entry, struct error *err);
/* 1 when there was such an entry. */
int data_disks_forget(const char *mount, struct error *err);
/* "mounted", "missing" (the disk is not there, or not mounted), "wrong" (another file system is
 * mounted there). */
const char *data_disk_state(const json_t *entry);
/* Mount points of these wishes (lib/disk-choice.h) that hold files although nothing is mounted
 * there; the caller's. */
json_t *data_disks_occupied(const json_t *wishes);
/* The list with a member "state" each, for facts; the caller's. */
json_t *data_disks_facts(void);

/* Held while disks are mounted or unmounted: so the watch mounts nothing that reset unmounts. */
void data_disks_lock(void);
void data_disks_unlock(void);
