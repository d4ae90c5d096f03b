/* Monotonic time for deadlines, wall time for records. */
#pragma once

#include <stdint.h>

int64_t clock_monotonic_ms(void);
int64_t clock_wall_ms(void); /* since 1970, UTC */
/* Milliseconds left until a monotonic deadline, never below 0, never above INT_MAX. */
int clock_left_ms(int64_t deadline_ms);
/* "2026-11-21T18:10:00Z" into out (at least 21 bytes). */
void clock_format_utc(int64_t wall_ms, char out[21]);
