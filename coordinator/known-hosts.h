/* OpenSSH's known_hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): plain and hashed names,
 * [host]:port, the patterns * ? and !, the markers @revoked and @cert-authority. Pure reading, and
 * one append. Keys are passed as the base64 text of their blob, the way the files hold them.
 *
 * @cert-authority lines never make a plain key known, and we accept no host certificates. */
#pragma once

#include "lib/error.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stdint.h>

#define KNOWN_HOSTS_GLOBAL "/etc/ssh/ssh_known_hosts"
#define KNOWN_HOSTS_SIZE_MAX (16UL * 1024 * 1024)
#define HOST_KEY_TYPE_MAX 64
#define HOST_KEY_FINGERPRINT_SIZE 51 /* "SHA256:" + 43 characters + NUL */

enum known_hosts_verdict {
    KNOWN_HOST_UNKNOWN,    /* no key of this host is there */
    KNOWN_HOST_MATCH,      /* this very key is there */
    KNOWN_HOST_CHANGED,    /* a key of this type is there, and it is another one */
    KNOWN_HOST_OTHER_TYPE, /* only keys of other types are there */
    KNOWN_HOST_REVOKED     /* this very key is marked @revoked for the host */
};

struct known_hosts_result {
    enum known_hosts_verdict verdict;
    char file[512]; /* where the key that decided stands; empty for UNKNOWN */
    unsigned line;
    char type[HOST_KEY_TYPE_MAX];
    char fingerprint[HOST_KEY_FINGERPRINT_SIZE];
    bool authority; /* a @cert-authority line is there for the host */
};

/* Looks the key up in the files (NULL-terminated; missing ones are skipped). As ssh does, a host on
 * another port than 22 that has no "[host]:port" line may match by its plain name, and then only
 * match. Lines that cannot be read are skipped, as ssh does. Errors: -EINVAL (the key itself is
 * malformed), -E2BIG, or that of reading a file. */
int known_hosts_check(const char *const *files, const char *address, uint16_t port,
                      const char *key_base64, struct known_hosts_result *result,
                      struct error *err);
/* The key types that the files hold for the host, in file order, no duplicates. */
int known_hosts_types(const char *const *files, const char *address, uint16_t port,
                      struct strv *types, struct error *err);
/* Appends one line; makes the file (0600) and its folder (0700) when missing. One write under a
 * lock, so that neither another thread nor ssh ever sees half a line. */
int known_hosts_add(const char *path, const char *address, uint16_t port, const char *key_base64,
                    struct error *err);

/* "address", or "[address]:port" for a port other than 22. The caller frees. */
char *known_hosts_name(const char *address, uint16_t port);
/* "SHA256:…" and the type that the blob names; false when the blob is malformed. */
bool host_key_describe(const char *key_base64, char type[HOST_KEY_TYPE_MAX],
                       char fingerprint[HOST_KEY_FINGERPRINT_SIZE]);
/* Whether the key is the one of hosts.yaml's host_key: "SHA256:…" or "type base64 [comment]". */
bool host_key_matches_pin(const char *pin, const char *key_base64);
