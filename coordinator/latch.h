/* A named latch: opened or failed once, awaited by any number of threads. What is awaited is said
 * by its name, so that a wait that ends badly can tell whom it waited for. */
#pragma once

#include "lib/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum latch_state { LATCH_CLOSED, LATCH_OPEN, LATCH_FAILED };

struct latch {
    const char *name; /* borrowed; "the API server of n1" */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum latch_state state;
    struct error *error; /* of LATCH_FAILED; owned. There are thousands of latches */
};

void latch_init(struct latch *l, const char *name);
void latch_release(struct latch *l);
/* The first of the two counts, later calls change nothing. */
void latch_open(struct latch *l);
void latch_fail(struct latch *l, const struct error *err);
bool latch_is_settled(struct latch *l);
bool latch_is_open(struct latch *l); /* settled, and not failed */
/* 0 when open; the failure's code with "waiting for NAME: " in front; -ETIMEDOUT after timeout_ms;
 * -ECANCELED within 200 ms of *cancel (may be NULL) becoming true. */
int latch_wait(struct latch *l, int timeout_ms, const bool *cancel, struct error *err);
