#include "lib/clock.h"

#include <limits.h>
#include <string.h>
#include <time.h>

static int64_t now_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_monotonic_ms(void)
{
    return now_ms(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
    return now_ms(CLOCK_REALTIME);
}

int clock_left_ms(int64_t deadline_ms)
{
    int64_t now = clock_monotonic_ms();
    if (deadline_ms <= now)
        return 0;
    return deadline_ms - now > INT_MAX ? INT_MAX : (int) (deadline_ms - now);
}

void clock_format_utc(int64_t wall_ms, char out[21])
{
    time_t seconds = (time_t) (wall_ms / 1000 - (wall_ms % 1000 < 0));
    struct tm t;
    if (!gmtime_r(&seconds, &t) || strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &t) != 20)
        memcpy(out, "0000-00-00T00:00:00Z", 21);
}
