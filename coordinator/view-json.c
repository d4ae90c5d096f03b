#include "coordinator/view-backend.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/protocol.h"

#include <stdio.h>
#include <stdlib.h>

#define JSON_INTERVAL_MS 500

/* Takes the event, adds who and when, prints one line. Texts are printable, so valid UTF-8. */
static void emit(const struct view *v, json_t *event, const char *label)
{
    AUTO_JSON *owned = event;
    char now[21];
    clock_format_utc(clock_wall_ms(), now);
    json_object_set_new(owned, "time", json_string(now));
    if (label)
        json_object_set_new(owned, v->what, json_string(label));
    AUTO_FREE char *line = json_canonical(owned);
    (void) puts(line);
    (void) fflush(stdout);
}

static void json_host(struct view *v, size_t host, bool changed)
{
    static const char *const states[] = {[VIEW_WAITING] = "waiting",
                                         [VIEW_WORKING] = "working",
                                         [VIEW_DONE] = "done",
                                         [VIEW_FAILED] = "failed"};
    struct view_line *line = &v->lines[host];
    int64_t now = clock_monotonic_ms();
    if (!changed && line->printed_ms && now - line->printed_ms < JSON_INTERVAL_MS)
        return;
    line->printed_ms = now;
    emit(v,
         json_pack("{ss ss ss ss sI sI}", "event", v->what, "state", states[line->state], "phase",
                   line->phase, "text", line->text, "done", (json_int_t) line->done, "total",
                   (json_int_t) line->total),
         line->label);
}

static void json_note(struct view *v, const char *label, bool warning, const char *text)
{
    emit(v, json_pack("{ss ss}", "event", warning ? "warning" : "note", "text", text), label);
}

static void json_error(struct view *v, const char *label, const char *step, const struct error *err)
{
    json_t *event = json_pack("{ss}", "event", "error");
    json_t *cause = error_to_json(err);
    json_object_update(event, cause);
    json_decref(cause);
    if (step && step[0])
        json_object_set_new(event, "step", json_string(step));
    emit(v, event, label);
}

static void json_phase(struct view *v, const struct view_phase_time *time)
{
    emit(v,
         json_pack("{ss ss sI}", "event", "phase", "phase", time->phase, "ms",
                   (json_int_t) time->ms),
         time->host < v->count ? v->lines[time->host].label : NULL);
}

static void json_transfer(struct view *v, int64_t sent, int64_t wanted)
{
    emit(v,
         json_pack("{ss sI sI}", "event", "transfer", "sent", (json_int_t) sent, "wanted",
                   (json_int_t) wanted),
         NULL);
}

static void json_summary(struct view *v, const char *text)
{
    emit(v,
         json_pack("{ss ss sI}", "event", "summary", "text", text, "ms",
                   (json_int_t) (clock_monotonic_ms() - v->started_ms)),
         NULL);
}

const struct view_backend view_json = {
    .host = json_host,
    .note = json_note,
    .error = json_error,
    .phase = json_phase,
    .transfer = json_transfer,
    .summary = json_summary,
};
