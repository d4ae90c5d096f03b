/* Who owns the host (lib/protocol.h, LOCK). Belongs to the service's thread. */
#pragma once

#include "lib/error.h"

#include <stdbool.h>
#include <stdint.h>

#define RUN_ID_LEN 32
#define WHO_MAX 128

struct host_lock {
    uint64_t session; /* 0: nobody; a dead session has released it (the service closes those) */
    char run[RUN_ID_LEN + 1];
    char who[WHO_MAX];
    int64_t since_ms; /* wall clock */
};

/* False: another run holds it. The same run takes it over: *replaced is then its older session,
 * which is to be closed, else 0. */
bool host_lock_take(struct host_lock *lock, const char *run, const char *who, uint64_t session,
                    uint64_t *replaced);
/* -EBUSY; err names the run that holds it. */
int host_lock_refuse(const struct host_lock *lock, struct error *err);
/* "WHAT: who, since when (run …)"; the caller frees it. */
char *host_lock_describe(const struct host_lock *lock, const char *what);
void host_lock_release(struct host_lock *lock, uint64_t session); /* only its own */
