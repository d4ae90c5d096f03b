/* The clock of a host that nobody else sets. The ledger has nothing to undo: the time goes on. */
#include "agent/step.h"
#include "lib/clock.h"
#include "lib/protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#define YEAR_2020_MS 1577836800000 /* before there was any of this */
#define YEAR_2200_MS 7258118400000

static int need_time(const json_t *params, int64_t *out, struct error *err)
{
    *out = json_get_int(params, "time_ms", 0);
    if (*out < YEAR_2020_MS || *out > YEAR_2200_MS)
        return error_set(err, -EINVAL, "time_ms: no time of these days");
    return 0;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    int64_t wanted;
    (void) ctx;
    int r = need_time(params, &wanted, err);
    if (r < 0)
        return r;
    int64_t ahead = clock_wall_ms() - wanted, size = ahead < 0 ? -ahead : ahead;
    if (size <= CLOCK_TOLERANCE_MS)
        return 1;
    strv_addf(differences, "set the clock, which is %" PRId64 " s %s", size / 1000,
              ahead < 0 ? "behind" : "ahead");
    return 0;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    int64_t wanted;
    (void) ctx;
    (void) result;
    int r = need_time(params, &wanted, err);
    if (r < 0)
        return r;
    const struct timespec t = {.tv_sec = (time_t) (wanted / 1000),
                               .tv_nsec = (long) (wanted % 1000) * 1000000};
    return clock_settime(CLOCK_REALTIME, &t) < 0 ? error_errno(err, -errno, "set the clock") : 0;
}

const struct step step_clock = {.name = "clock", .check = check, .apply = apply};
