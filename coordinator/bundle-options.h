/* Which bundle is installed, and why it may be: the options of every command that installs one. */
#pragma once

#include "coordinator/options.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stdint.h>

struct bundle_options {
    const char *dir;  /* NULL: hosts.yaml's, else the cache's */
    struct strv keys; /* paths of NAME.pub */
    bool insecure;
    int64_t serial; /* 0: not given */
};

static inline void bundle_options_release(struct bundle_options *o)
{
    strv_release(&o->keys);
}

/* Rows of an option table, the member being a struct bundle_options. */
/* clang-format off */
#define OPTIONS_BUNDLE(type, member) \
    {"bundle", 'b', OPTION_TEXT, offsetof(type, member.dir), "DIR", \
     "bundle to install from; default: hosts.yaml's `bundle`, else the one in the cache"}, \
    {"key", 'k', OPTION_LIST, offsetof(type, member.keys), "NAME.pub", \
     "a public key that may have signed it; adds to hosts.yaml's `bundle_keys`"}, \
    {"serial", 0, OPTION_NUMBER, offsetof(type, member.serial), "N", \
     "take this serial and no other, even if a newer one was installed before"}, \
    {"insecure-bundle", 0, OPTION_FLAG, offsetof(type, member.insecure), NULL, \
     "take a bundle that nobody has signed; only for hosts that never had a signed one"}
/* clang-format on */
