/* Cleanup attributes: a resource is released where its name goes out of scope.
 * Ownership moves out with TAKE_PTR / TAKE_FD, as in systemd. */
#pragma once

#include <stdlib.h>

#define CLEANUP(func) __attribute__((cleanup(func), unused))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define MUST_CHECK __attribute__((warn_unused_result))

/* Gives the pointer away and leaves NULL behind. */
#define TAKE_PTR(p) \
    ({ \
        __typeof__(p) taken_ = (p); \
        (p) = NULL; \
        taken_; \
    })

/* Gives the descriptor away and leaves -1 behind. */
#define TAKE_FD(fd) \
    ({ \
        int taken_ = (fd); \
        (fd) = -1; \
        taken_; \
    })

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void free_ptr_cleanup(void *p)
{
    free(*(void **) p);
}
#define AUTO_FREE CLEANUP(free_ptr_cleanup)
