#include "coordinator/view-backend.h"
#include "lib/clock.h"

#include <stdio.h>
#include <string.h>

#define PLAIN_INTERVAL_MS 2000
#define PLAIN_COLUMNS 100

static const char *word(const struct view_line *line)
{
    static const char *const words[] = {
        [VIEW_WAITING] = "waiting", [VIEW_DONE] = "done", [VIEW_FAILED] = "failed"};
    return line->state == VIEW_WORKING ? line->phase : words[line->state];
}

/* The cause at once; plain_error may come only when every host has ended. */
static void add_detail(struct strbuf *out, const struct view_line *line)
{
    bool failed = line->state == VIEW_FAILED;
    if (failed || (!line->text[0] && strcmp(line->phase, word(line)) != 0))
        strbuf_adds(out, line->phase);
    if (failed && line->text[0])
        strbuf_adds(out, ": ");
    strbuf_adds(out, line->text);
    if (line->text[0] && line->total > 0)
        strbuf_addc(out, ' ');
    view_amount(out, line->done, line->total);
}

static void plain_host(struct view *v, size_t host, bool changed)
{
    struct view_line *line = &v->lines[host];
    int64_t now = clock_monotonic_ms();
    if (!changed && line->printed_ms && now - line->printed_ms < PLAIN_INTERVAL_MS)
        return;
    line->printed_ms = now;
    STRBUF(out, VIEW_LINE_MAX);
    strbuf_addf(&out, "%-*s  %-10s  ", (int) v->label_width, line->label, word(line));
    add_detail(&out, line);
    while (out.len > 0 && out.data[out.len - 1] == ' ')
        out.data[--out.len] = '\0';
    (void) puts(out.data);
    (void) fflush(stdout);
}

static void plain_note(struct view *v, const char *label, bool warning, const char *text)
{
    (void) v;
    (void) printf("%s%s%s%s\n", label ? label : "", label ? ": " : "", warning ? "warning: " : "",
                  text);
    (void) fflush(stdout);
}

static void plain_error(struct view *v, const char *label, const char *step,
                        const struct error *err)
{
    (void) v;
    STRBUF(out, VIEW_LINE_MAX);
    view_error_text(&out, label, step, err);
    (void) fflush(stdout);
    (void) fputs(out.data, stderr);
}

static void plain_summary(struct view *v, const char *text)
{
    STRBUF(table, VIEW_TABLE_MAX);
    view_phase_table(v, PLAIN_COLUMNS, &table);
    (void) printf("%s%s\n", table.data, text);
    (void) fflush(stdout);
}

const struct view_backend view_plain = {
    .host = plain_host,
    .note = plain_note,
    .error = plain_error,
    .summary = plain_summary,
};
