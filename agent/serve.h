/* The service: a root-only unix socket, one thread that waits for everything, sessions, jobs. */
#pragma once

#include "lib/error.h"

#include <stdbool.h>

/* Serves until SIGTERM, SIGINT or serve_quit_after_reply. version: "sha256:…" of the agent. */
int serve(const char *version, struct error *err);

/* From a step (reset): once the running job's result was sent, remove the agent's own folders and
 * end. The unit file is the ledger's. Any thread. */
void serve_quit_after_reply(void);
/* It was said: nothing on this host is to be changed any more, as its ledger goes. Any thread. */
bool serve_is_quitting(void);
