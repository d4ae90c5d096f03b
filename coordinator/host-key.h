/* Whether a host's key is the right one: pin, known_hosts, or a question, in that order. */
#pragma once

#include "coordinator/ssh.h"
#include "lib/strbuf.h"

/* 0 when the key is accepted. -EKEYREJECTED and -ENOKEY as in ssh.h, or that of reading
 * known_hosts. */
int host_key_verify(const struct ssh_target *target, const char *key_base64, struct error *err);
/* Appends the host key algorithms to offer, best first: those of the key types that are pinned or
 * known come first, so that a host with several keys shows the one that can be checked. */
int host_key_algorithms(const struct ssh_target *target, struct strbuf *out, struct error *err);
/* Appends the algorithms of one type of key ("ssh-rsa": those with SHA-2). */
void host_key_type_algorithms(const char *type, struct strbuf *out);
