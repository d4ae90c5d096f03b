#include "agent/lock.h"

#include "lib/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int refuse(const struct host_lock *lock, struct error *err)
{
    char since[21];
    clock_format_utc(lock->since_ms, since);
    error_set(err, -EBUSY, "another run is at work on this host: %s, since %s (run %.8s)",
              lock->who, since, lock->run);
    return error_remedy(err, "wait until it has ended, or end it; a lost one is given up after a "
                             "short silence");
}

int host_lock_take(struct host_lock *lock, const char *run, const char *who, uint64_t session,
                   uint64_t *replaced, struct error *err)
{
    *replaced = 0;
    if (lock->session != 0 && strcmp(lock->run, run) != 0)
        return refuse(lock, err);
    if (lock->session != 0)
        *replaced = lock->session;
    else
        lock->since_ms = clock_wall_ms();
    lock->session = session;
    snprintf(lock->run, sizeof lock->run, "%s", run);
    snprintf(lock->who, sizeof lock->who, "%s", who);
    return 0;
}

void host_lock_release(struct host_lock *lock, uint64_t session)
{
    if (lock->session == session)
        lock->session = 0;
}
