/* Errors only: stdout belongs to the command. */
#include "coordinator/view-backend.h"

#include <stdio.h>

static void quiet_host(struct view *v, size_t host, bool changed)
{
    (void) v, (void) host, (void) changed;
}

static void quiet_note(struct view *v, const char *label, bool warning, const char *text)
{
    (void) v, (void) label, (void) warning, (void) text;
}

static void quiet_error(struct view *v, const char *label, const char *step,
                        const struct error *err)
{
    (void) v;
    STRBUF(out, VIEW_LINE_MAX);
    view_error_text(&out, label, step, err);
    (void) fputs(out.data, stderr);
}

static void quiet_summary(struct view *v, const char *text)
{
    (void) v, (void) text;
}

const struct view_backend view_quiet = {
    .host = quiet_host,
    .note = quiet_note,
    .error = quiet_error,
    .summary = quiet_summary,
};
