#include "coordinator/latch.h"

#include "lib/clock.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define WAKE_MS 200 /* how soon a cancellation is noticed */

void latch_init(struct latch *l, const char *name)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    *l = (struct latch){.name = name};
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->changed, &attr);
    pthread_condattr_destroy(&attr);
}

void latch_release(struct latch *l)
{
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->mutex);
    free(l->error);
    l->error = NULL;
}

static void settle(struct latch *l, enum latch_state state, const struct error *err)
{
    pthread_mutex_lock(&l->mutex);
    if (l->state == LATCH_CLOSED) {
        l->state = state;
        if (err) {
            l->error = xcalloc(1, sizeof(*err));
            *l->error = *err;
        }
        pthread_cond_broadcast(&l->changed);
    }
    pthread_mutex_unlock(&l->mutex);
}

void latch_open(struct latch *l)
{
    settle(l, LATCH_OPEN, NULL);
}

void latch_fail(struct latch *l, const struct error *err)
{
    settle(l, LATCH_FAILED, err);
}

static enum latch_state state_of(struct latch *l)
{
    pthread_mutex_lock(&l->mutex);
    enum latch_state state = l->state;
    pthread_mutex_unlock(&l->mutex);
    return state;
}

bool latch_is_settled(struct latch *l)
{
    return state_of(l) != LATCH_CLOSED;
}

bool latch_is_open(struct latch *l)
{
    return state_of(l) == LATCH_OPEN;
}

static void wait_a_little(struct latch *l, int64_t deadline)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int left = clock_left_ms(deadline);
    long ns = until.tv_nsec + (long) (left < WAKE_MS ? left : WAKE_MS) * 1000000L;
    until.tv_sec += ns / 1000000000L;
    until.tv_nsec = ns % 1000000000L;
    pthread_cond_timedwait(&l->changed, &l->mutex, &until);
}

int latch_wait(struct latch *l, int timeout_ms, const bool *cancel, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    int r = 0;
    pthread_mutex_lock(&l->mutex);
    while (l->state == LATCH_CLOSED && r == 0) {
        if (cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED))
            r = error_set(err, -ECANCELED, "interrupted while waiting for %s", l->name);
        else if (clock_left_ms(deadline) == 0)
            r = error_set(err, -ETIMEDOUT, "waited %d s for %s", timeout_ms / 1000, l->name);
        else
            wait_a_little(l, deadline);
    }
    if (r == 0 && l->state == LATCH_FAILED) {
        r = l->error->code;
        if (err) {
            *err = *l->error;
            error_prefix(err, "waiting for %s", l->name);
        }
    }
    pthread_mutex_unlock(&l->mutex);
    return r;
}
