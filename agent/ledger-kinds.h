/* What undo can do about each kind of record. ledger-undo.c decides the order; here are the hands:
 * undo-paths.c, undo-network.c, undo-processes.c, undo-mounts.c. Each is idempotent, treats what is
 * gone as undone, and returns 0 or -errno. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stdbool.h>

/* ledger-appear.c */
char *sysctl_path(const char *key); /* NULL when it is no sysctl's name; the caller frees */
int sysctl_read(const char *key, char **out, struct error *err);
int sysctl_write(const char *key, const char *value, struct error *err);
bool name_matches(const char *pattern, const char *name); /* equal, or a prefix with "*" */

/* Paths. protect: folders that stay with all that is in them. */
int undo_path(const json_t *record, const char *former_dir, struct error *err);
int undo_tree(const json_t *record, const struct strv *protect, struct error *err);

/* Ends every mount below the folder (or prefix with "*"), last mounted first. */
int undo_mounts_below(const char *name, struct error *err);

/* Unmounts a data disk, takes its unit off and the guard below it; what is on it stays. */
int undo_data_disk(const char *mount, struct error *err);

/* Network links by name or prefix, except kept ones and ports of others' bridges. */
int undo_link(const char *pattern, const json_t *kept, struct error *err);
/* What is ours in packet filters, by prefixes: chains by their names, with the rules that lead to
 * them, and rules of others' chains by their comments. */
struct undo_filters {
    struct strv chains, comments;
};
int undo_iptables(const struct undo_filters *ours, struct error *err);
/* Sets of ipset(8) by name, or prefix with "*"; after the rules that name them. */
int undo_ipset(const char *pattern, struct error *err);
/* What iptables-restore --noflush must be told to remove from one iptables-save text. Appended to
 * out, which stays empty when there is nothing. Pure. */
void undo_iptables_script(const char *save, const struct undo_filters *ours, struct strbuf *out);

/* Ends the processes of a program (by the path of its executable), or in cgroups of that name, and
 * removes the cgroups. Waits until they are gone. */
int undo_program(const char *path, struct error *err);
int undo_cgroup(const char *name, struct error *err);
