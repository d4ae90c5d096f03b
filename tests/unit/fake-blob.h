/* An agent tarball for tests in place of the built one: the same names, filled at run time. Gzip
 * allows the zeroes behind it. Include after sshd-fixture.h. */
#pragma once

#include "coordinator/agent-blob.h"
#include "lib/architecture.h"
#include "lib/digest.h"

#define FAKE_BLOB_SIZE 65536

__asm__(".data\n.global agent_blob_start\nagent_blob_start: .space 65536\n"
        ".global agent_blob_end\nagent_blob_end: .byte 0\n"
        ".global agent_blob_sha256\nagent_blob_sha256: .space 65\n.text\n");

/* Packs a loader that just runs its program, and `agent`, a shell script, as the program. */
static void UNUSED fake_blob(const char *agent)
{
    /* The symbols are const for everybody else. */
    unsigned char *blob = (unsigned char *) (uintptr_t) agent_blob_start;
    STRBUF(tarball, FAKE_BLOB_SIZE);
    char digest[DIGEST_SIZE];

    must_run("rm -rf /tmp/blob; mkdir -p /tmp/blob/bin /tmp/blob/lib");
    put_file("/tmp/blob/lib/" OWN_LOADER, "#!/bin/sh\nshift 2\nexec \"$@\"\n", 0755);
    put_file("/tmp/blob/bin/bigtop-agent", agent, 0755);
    must_run("tar -C /tmp/blob -czf /tmp/blob.tgz bin lib");
    assert_int_equal(file_read("/tmp/blob.tgz", &tarball, NULL), 0);
    memset(blob, 0, FAKE_BLOB_SIZE);
    memcpy(blob, tarball.data, tarball.len);
    digest_buffer(blob, FAKE_BLOB_SIZE, digest);
    memcpy((char *) (uintptr_t) agent_blob_sha256, digest + strlen("sha256:"),
           DIGEST_SIZE - strlen("sha256:"));
}

/* AGENT_INSTALL_DIR/<hex> of it. */
static UNUSED char *fake_blob_dir(void)
{
    return xasprintf("/var/lib/bigtop/agent/%s", agent_blob_sha256);
}
