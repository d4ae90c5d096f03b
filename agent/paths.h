/* Where the agent's state is (lib/protocol.h names the places), below a root that tests move. */
#pragma once

#include "lib/error.h"

/* "" (the default) is the real system. Set once, before anything else. */
void agent_root_set(const char *root);
/* The root and an absolute path; the caller frees. */
char *agent_path(const char *absolute);

/* Makes AGENT_STATE_DIR, AGENT_BLOB_DIR and AGENT_RUN_DIR, mode 0700. Each folder of ours must be a
 * real folder, root's (the caller's, below a test root), and not writable by others: anything else
 * was planted, and is refused with -EPERM. */
int agent_prepare_folders(struct error *err);
/* Removes the state and run folders with all that is in them, except across mounts. */
int agent_remove_folders(struct error *err);
