/* Gets the agent onto a host and running: one fixed /bin/sh command over one channel looks whether
 * this very agent is there (AGENT_INSTALL_DIR/<sha256>), takes it from the coordinator when not,
 * and becomes `bigtop-agent attach`.
 *
 * What the host says on stdout, among noise of the user's shell that is skipped:
 *     BIGTOP1 <uname -m> NEED       send the tarball now
 *     BIGTOP1 <uname -m> HAVE       the agent follows: frames from here on
 *     BIGTOP1 FAIL <word> <detail>  it could not be done */
#pragma once

#include "coordinator/ssh.h"
#include "lib/error.h"
#include "lib/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#define PUSH_NOISE_MAX (64UL * 1024)

struct push_options {
    const char *who;           /* "user@address", for messages and questions */
    bool sudo;                 /* become root with sudo */
    const char *sudo_password; /* or NULL */
    bool never_ask;            /* do not ask for sudo's password on the terminal */
    struct strbuf *asked;      /* keeps a password that was asked for, for the next connection */
    /* May be NULL. */
    void (*on_progress)(void *userdata, const char *text, int64_t done, int64_t total);
    void *userdata;
    /* Or NULL: gets the last 4096 bytes of stderr, which may be the agent's already. */
    struct strbuf *words;
    const bool *cancel; /* or NULL: for questions; the rest follows the connection's */
};

/* On success the channel of ssh speaks lib/protocol.h with the agent; *pushed (may be NULL) tells
 * whether it had to be sent. The password goes over stdin, once, when sudo asks:
 *   -EACCES    sudo's password is wrong (one try), missing, or sudo refuses the user
 *   -ENOEXEC   a machine of another architecture, or one that cannot run it
 *   -EPERM     not root, or what is there already is not root's alone
 *   -ENOSPC, -EPROTO, -ETIMEDOUT, -EPIPE, -ECANCELED, … */
int push_agent(struct ssh *ssh, const struct push_options *options, bool *pushed,
               struct error *err);
