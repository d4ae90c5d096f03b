/* The agent's tarball (agent/pack.sh), built into the coordinator. Unpacked it is bin/bigtop-agent
 * and lib/ with every library it needs and the loader. Unit tests of its users define these symbols
 * themselves: coordinator/agent-blob.S is linked into the program only. */
#pragma once

extern const unsigned char agent_blob_start[];
extern const unsigned char agent_blob_end[]; /* the byte after the last */
extern const char agent_blob_sha256[];       /* 64 hex digits: hundreds of hosts ask for it */
