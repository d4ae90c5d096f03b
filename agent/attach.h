/* `bigtop-agent attach`: sees to it that the service runs in this version, then carries bytes
 * between stdio (the SSH channel) and the service's socket until one of them ends. */
#pragma once

#include "lib/error.h"

/* self: the folder AGENT_INSTALL_DIR/<hash>, or NULL when the binary is run as it is (tests): then
 * no unit is installed and the service must be running. version: "sha256:…" of this agent. */
int attach(const char *self, const char *version, struct error *err);
