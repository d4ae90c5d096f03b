/* The ledger: an append-only, fsynced list of everything we created, changed (with the former
 * content) or mounted on this host. reset undoes it, newest first, and nothing else.
 *
 * File: AGENT_LEDGER, one record a line: "<8 hex of CRC-32 of the rest> <canonical JSON>\n". A torn
 * or corrupt tail (power cut) is cut off when the ledger is opened; a corrupt record before the tail
 * is an error. Former contents are kept beside it, AGENT_STATE_DIR "/former/<sha256 hex>".
 * A record is written before the change it speaks of; undo therefore tolerates a change that never
 * happened. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <sys/types.h>

struct ledger;
int ledger_open(const char *path, struct ledger **out, struct error *err);
void ledger_close(struct ledger **l);
#define AUTO_LEDGER CLEANUP(ledger_close) struct ledger

/* Writes a file through the ledger: remembers whether it existed and what it was (content, mode,
 * owner), then replaces it atomically. Nothing is recorded or written when the file already is
 * exactly so: returns 0; 1 when it was changed; -errno. Missing parent folders are made and
 * recorded. */
int ledger_write_file(struct ledger *l, const char *path, const void *data, size_t len, mode_t mode,
                      struct error *err);
/* Records a file, folder or symlink that is about to be created by other means (an archive, a
 * program). A path that exists already and is not ours is remembered with its content. */
int ledger_will_create(struct ledger *l, const char *path, struct error *err);
/* A whole tree whose content belongs to us (removed whole by reset, never across a mount). */
int ledger_will_own_tree(struct ledger *l, const char *path, struct error *err);
int ledger_mkdir(struct ledger *l, const char *path, mode_t mode, struct error *err);
int ledger_symlink(struct ledger *l, const char *path, const char *target, struct error *err);
/* A sysctl's former value, a module that was not loaded, a unit's former state (enabled, active),
 * swap devices that were on: remembered, so that reset puts them back. */
int ledger_sysctl(struct ledger *l, const char *key, const char *value, struct error *err);
int ledger_module(struct ledger *l, const char *name, struct error *err);
int ledger_unit(struct ledger *l, const char *unit, struct error *err);
int ledger_swap_off(struct ledger *l, const char *device, struct error *err);
/* Network links, iptables chains and mounts that Kubernetes' parts will make on this host: named by
 * exact name or prefix, removed by reset. kind: "link", "iptables-chain-prefix", "mount-below". */
int ledger_will_appear(struct ledger *l, const char *kind, const char *name, struct error *err);

/* A finished step: its name and a hash of its params (canonical JSON), with the time. */
int ledger_step_done(struct ledger *l, const char *step, const char *params_digest,
                     struct error *err);
/* The params digest of the newest "done" of the step, or NULL. Borrowed. */
const char *ledger_step_digest(const struct ledger *l, const char *step);
/* Free facts that later steps and status want ("role": "control-plane"); the newest value or NULL. */
int ledger_set(struct ledger *l, const char *key, const char *value, struct error *err);
const char *ledger_get(const struct ledger *l, const char *key);
bool ledger_has_path(const struct ledger *l, const char *path);
/* All records, oldest first, as a JSON array; borrowed. */
const json_t *ledger_records(const struct ledger *l);

/* Undoes every record, newest first. Data folders (AGENT_VOLUMES_DIR and others recorded as data)
 * are left unless named in delete_volumes. Goes on past failures and reports them all in err.
 * progress may be NULL. */
int ledger_undo(struct ledger *l, const struct strv *delete_volumes,
                void (*progress)(void *userdata, const char *text, int64_t done, int64_t total),
                void *userdata, struct error *err);
