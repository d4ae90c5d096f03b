/* One SSH connection, on libssh (ssh.c is the only user of its headers). No ~/.ssh/config is read
 * and no command of one is ever run. Not thread-safe: one connection belongs to one thread. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ssh_target {
    const char *address;
    uint16_t port;
    const char *user;
    const char *key;         /* or NULL: agent, then the default files */
    const char *password;    /* or NULL */
    const char *host_key;    /* pin: "SHA256:…" or "type base64"; or NULL */
    const char *known_hosts; /* OpenSSH format, hashed names and @revoked understood */
    int connect_timeout_ms;  /* TCP: a host that is down is known soon */
    int login_timeout_ms;    /* all of it: TCP, key exchange and login, which a slow host takes long
                              * for */
    bool never_ask;          /* never ask on the terminal, even when there is one */
    const bool *cancel;      /* or NULL; looked at every 200 ms: true ends any call, -ECANCELED */
};

struct ssh;
/* Connects, checks the host key, logs in. The host key comes first: nothing of the user's (not even
 * the name) is sent before it was accepted.
 *   -EKEYREJECTED  the key changed, is revoked, or differs from the pin: text has both fingerprints
 *   -ENOKEY        unknown key and nobody to ask (asks on /dev/tty otherwise, like ssh)
 *   -EACCES        login refused: text lists what was tried and what the server offers
 *   -ETIMEDOUT, -ECONNREFUSED, -EHOSTUNREACH …  no connection */
int ssh_open(const struct ssh_target *target, struct ssh **out, struct error *err);
void ssh_close(struct ssh **ssh);
#define AUTO_SSH CLEANUP(ssh_close) struct ssh

/* Runs a command with the login shell of the user; one at a time. The command must be made of
 * constants and values checked by lib/grammar.h or lib/digest.h: never of raw input. */
int ssh_start(struct ssh *ssh, const char *command, struct error *err);
/* > 0 bytes read, 0 end of stream, -EAGAIN after timeout_ms without any, -EPIPE or another errno
 * when the link is gone. Whichever of stdout and stderr has data first; *is_stderr tells. */
ssize_t ssh_read(struct ssh *ssh, void *data, size_t len, bool *is_stderr, int timeout_ms,
                 struct error *err);
int ssh_write(struct ssh *ssh, const void *data, size_t len, struct error *err); /* all of it */
int ssh_send_eof(struct ssh *ssh);
/* Exit code of the command after the end of its streams, -1 when unknown. */
int ssh_exit_code(struct ssh *ssh);
/* The socket, for poll. */
int ssh_fd(const struct ssh *ssh);
