#include "agent/lock.h"

#include "lib/clock.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

char *host_lock_describe(const struct host_lock *lock, const char *what)
{
    char since[21];
    clock_format_utc(lock->since_ms, since);
    return xasprintf("%s: %s, since %s (run %.8s)", what, lock->who, since, lock->run);
}

int host_lock_refuse(const struct host_lock *lock, struct error *err)
{
    AUTO_FREE char *text = host_lock_describe(lock, "another run is at work on this host");
    error_set(err, -EBUSY, "%s", text);
    return error_remedy(err, "wait until it has ended, or end it");
}

bool host_lock_take(struct host_lock *lock, const char *run, const char *who, uint64_t session,
                    uint64_t *replaced)
{
    *replaced = 0;
    if (lock->session != 0 && strcmp(lock->run, run) != 0)
        return false;
    if (lock->session != 0)
        *replaced = lock->session;
    else
        lock->since_ms = clock_wall_ms();
    lock->session = session;
    snprintf(lock->run, sizeof lock->run, "%s", run);
    snprintf(lock->who, sizeof lock->who, "%s", who);
    return true;
}

void host_lock_release(struct host_lock *lock, uint64_t session)
{
    if (lock->session == session)
        lock->session = 0;
}
