/* What a server asks for in WWW-Authenticate (RFC 9110 §11): of the challenges in it, the ones that
 * registries use. */
#pragma once

#include "lib/cleanup.h"

#include <stdbool.h>

struct challenge {
    bool basic;                    /* Basic is accepted */
    bool bearer;                   /* Bearer is; the three are its parameters, or NULL */
    char *realm, *service, *scope;
};
void challenge_release(struct challenge *c);
#define AUTO_CHALLENGE CLEANUP(challenge_release) struct challenge

/* header: all challenges, joined with ", ". What cannot be read is left out. */
void challenge_parse(const char *header, struct challenge *out);
