/* The ledger: an append-only, fsynced list of everything we created, changed (with the former
 * content) or mounted on this host. reset undoes it, newest first, and nothing else.
 *
 * File: AGENT_LEDGER, one record a line: "<8 hex of CRC-32 of the rest> <canonical JSON>\n". A torn
 * or corrupt tail (power cut) is cut off when the ledger is opened; a corrupt record before the
 * tail is an error. Former contents are kept beside it, AGENT_STATE_DIR "/former/<sha256 hex>". A
 * record is written before the change it speaks of; undo therefore tolerates a change that never
 * happened. A path, unit, sysctl … is recorded once: what it was before us is what counts.
 * Functions may be called from any thread. One process at a time holds a ledger (flock). */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <sys/types.h>

/* Behind a recorded path: it is being made. Undo removes what a power cut left of that. */
#define LEDGER_PART_SUFFIX ".bigtop-new"

struct ledger;
/* -EBUSY: another process holds it (waits 2 s); -EBADMSG: a corrupt record before the tail. */
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
/* The same for many paths with one write and one fsync: for archives. */
int ledger_will_create_all(struct ledger *l, const struct strv *paths, struct error *err);
/* A whole tree whose content belongs to us (removed whole by reset, never across a mount). */
int ledger_will_own_tree(struct ledger *l, const char *path, struct error *err);
/* These two make the change as well: 1 made, 0 was there exactly so. */
int ledger_mkdir(struct ledger *l, const char *path, mode_t mode, struct error *err);
int ledger_symlink(struct ledger *l, const char *path, const char *target, struct error *err);
/* Remembers the former value, then sets the sysctl ("net.ipv4.ip_forward"): 1 changed, 0 was so. */
int ledger_sysctl(struct ledger *l, const char *key, const char *value, struct error *err);
/* These only remember; the caller makes the change afterwards: a module that is not loaded (call it
 * before modprobe), a unit's state (enabled, active, masked; before anything is done to it), a swap
 * device that is on (before swapoff). */
int ledger_module(struct ledger *l, const char *name, struct error *err);
int ledger_unit(struct ledger *l, const char *unit, struct error *err);
int ledger_swap_off(struct ledger *l, const char *device, struct error *err);
/* Things that Kubernetes' parts will make on this host, removed by reset. kind → name:
 *   link                   network link; a trailing "*" makes it a prefix ("veth*"); links that are
 *                          there now are remembered and left alone, as is a port of a
 *                          bridge that is not the pods' (another container engine's)
 *   iptables-chain-prefix  "KUBE-": chains and the rules that lead to them, IPv4 and IPv6, nft and
 *                          legacy
 *   iptables-comment-prefix "cali:": rules with such comments in the chains of others, likewise
 *   ipset                  "cali4*": sets of ipset(8), by name or prefix
 *   mount-below            folder whose mounts end before anything is removed; with a trailing "*"
 *                          a prefix ("/run/netns/cni-*"), whose mount points are unlinked too
 *   cgroup                 "kubepods": top-level cgroups of that name or with it as prefix; their
 *                          processes are ended
 *   program                path of a program of ours whose processes outlive its unit (the shim):
 *                          they are ended
 *   sysctl                 a key that a program of ours will set (kubelet): its value is remembered
 *   firewall               what is opened in the host's firewall: agent/firewall.h
 *   shared-mount           mount point that is about to be made shared
 *   data-disk              mount point of a data disk (agent/step-disks.c): it is unmounted
 *   data                   folder with users' data, left alone unless named in delete_volumes */
int ledger_will_appear(struct ledger *l, const char *kind, const char *name, struct error *err);

/* A finished step: its name and a hash of its params (canonical JSON), with the time. */
int ledger_step_done(struct ledger *l, const char *step, const char *params_digest,
                     struct error *err);
/* The params digest of the newest "done" of the step, or NULL. Borrowed until ledger_close. */
const char *ledger_step_digest(const struct ledger *l, const char *step);
/* Free facts that later steps and status want ("role": "control-plane"); the newest value or NULL,
 * borrowed until ledger_close. */
int ledger_set(struct ledger *l, const char *key, const char *value, struct error *err);
const char *ledger_get(const struct ledger *l, const char *key);
bool ledger_has_path(const struct ledger *l, const char *path);
/* All records, oldest first, as a JSON array; borrowed. Only where nothing is recorded meanwhile
 * (in a job). */
const json_t *ledger_records(const struct ledger *l);

size_t ledger_count(const struct ledger *l);
/* [{"step":…,"at":ms},…], the newest "done" of each step. The caller owns it. */
json_t *ledger_steps(const struct ledger *l);

/* Undoes every record: units stop first, then what appeared goes, then paths, sysctls, modules and
 * swap are put back newest first, then units that were active start. Emptied when all went well.
 * The agent's own unit (AGENT_UNIT) is disabled but not stopped: it is running this.
 * Data folders (AGENT_VOLUMES_DIR and others recorded as data)
 * are left unless named in delete_volumes. Goes on past failures and reports them all in err.
 * progress may be NULL. */
int ledger_undo(struct ledger *l, const struct strv *delete_volumes,
                void (*progress)(void *userdata, const char *text, int64_t done, int64_t total),
                void *userdata, struct error *err);
