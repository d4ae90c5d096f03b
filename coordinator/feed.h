/* One host's part in the distribution: the call "exchange" beside the calls of its session. It says
 * who the host is and what it wants, sends chunks as the scatter gives them, and hears what
 * arrived. Belongs to the host's thread. */
#pragma once

#include "coordinator/distribution.h"
#include "coordinator/session.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct feed;

/* What a person should know; text is printable. */
typedef void (*feed_warn_fn)(void *userdata, const char *text);

/* The distribution must outlive it. -errno when no certificate can be made. */
int feed_new(struct distribution *d, size_t host, feed_warn_fn warn, void *userdata,
             struct feed **out, struct error *err);
/* After session_close; distribution_leave tells the others. */
void feed_free(struct feed **f);

/* For session_set_beside; lives as long as the feed. */
const struct session_beside *feed_beside(const struct feed *f);

/* The host shall have this blob; the digest must be one of the bundle's. */
void feed_want(struct feed *f, const char *digest);
/* Whether it has it, whole, in its store. */
bool feed_has(const struct feed *f, const char *digest);
/* The same of all that was wanted. */
bool feed_has_all(const struct feed *f);
/* 0, or why nothing will come any more: the agent's error, or -EBADMSG: our bundle is damaged. */
int feed_failure(const struct feed *f, struct error *err);
/* Bytes of chunks that left for this host. */
int64_t feed_sent(const struct feed *f);
/* Bytes: what is wanted, here, and came from us. */
struct scatter_share feed_share(const struct feed *f);
