/* For tests of what must not wait. After cmocka.h. */
#pragma once

#include "lib/clock.h"

/* Since start (clock_monotonic_ms), for what would take minutes when it is wrong: how long right
 * things take is a matter of the machine. */
#define SOON_MS 30000
#define assert_soon(start) assert_in_range(clock_monotonic_ms() - (start), 0, SOON_MS)
#define assert_later(start, ms) assert_true(clock_monotonic_ms() - (start) >= (ms))
