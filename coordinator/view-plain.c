#include "coordinator/view-backend.h"
#include "lib/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN_INTERVAL_MS 2000
#define PLAIN_SAME_MS 30000 /* what says the same again */
#define PLAIN_COLUMNS 100
#define PLAIN_HOSTS_MAX 20 /* of more, one line for all, and one for each that fails */
#define PLAIN_PHASES_MAX 8

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

static void print_host(const struct view *v, struct view_line *line)
{
    int64_t now = clock_monotonic_ms();
    STRBUF(out, VIEW_LINE_MAX);
    strbuf_addf(&out, "%-*s  %-10s  ", (int) v->label_width, line->label, word(line));
    add_detail(&out, line);
    while (out.len > 0 && out.data[out.len - 1] == ' ')
        out.data[--out.len] = '\0';
    if (line->said && strcmp(line->said, out.data) == 0 && now - line->said_ms < PLAIN_SAME_MS)
        return;
    free(line->said);
    line->said = xstrdup(out.data);
    line->said_ms = now;
    (void) puts(out.data);
    (void) fflush(stdout);
}

struct phase_count {
    const char *phase;
    size_t hosts;
};

static void count_phase(struct phase_count *counts, const char *phase)
{
    size_t i = 0;
    while (i + 1 < PLAIN_PHASES_MAX && counts[i].phase && strcmp(counts[i].phase, phase) != 0)
        i++;
    if (!counts[i].phase)
        counts[i].phase = phase;
    else if (strcmp(counts[i].phase, phase) != 0)
        counts[i].phase = "others";
    counts[i].hosts++;
}

static void add_phases(const struct view *v, struct strbuf *out)
{
    struct phase_count counts[PLAIN_PHASES_MAX] = {{0}};
    int64_t done = 0, total = 0;
    for (size_t i = 0; i < v->count; i++) {
        const struct view_line *line = &v->lines[i];
        if (line->state != VIEW_WORKING)
            continue;
        count_phase(counts, line->phase);
        if (line->total < (int64_t) VIEW_BYTES_FROM)
            continue;
        done += line->done;
        total += line->total;
    }
    for (size_t i = 0; i < PLAIN_PHASES_MAX && counts[i].phase; i++)
        strbuf_addf(out, "%s%s %zu", i == 0 ? "  (" : ", ", counts[i].phase, counts[i].hosts);
    strbuf_adds(out, counts[0].phase ? ")  " : "");
    view_amount(out, done, total);
}

static void print_all(const struct view *v)
{
    STRBUF(out, VIEW_LINE_MAX);
    size_t states[4];
    view_count_states(v, states);
    strbuf_addf(&out, "%zu %ss: ", v->count, v->what);
    view_add_counts(&out, states);
    add_phases(v, &out);
    while (out.len > 0 && out.data[out.len - 1] == ' ')
        out.data[--out.len] = '\0';
    (void) puts(out.data);
    (void) fflush(stdout);
}

static bool is_due(int64_t *printed_ms)
{
    int64_t now = clock_monotonic_ms();
    if (*printed_ms && now - *printed_ms < PLAIN_INTERVAL_MS)
        return false;
    *printed_ms = now;
    return true;
}

static void plain_host(struct view *v, size_t host, bool changed)
{
    struct view_line *line = &v->lines[host];
    if (v->count > PLAIN_HOSTS_MAX && !(changed && line->state == VIEW_FAILED)) {
        if (is_due(&v->printed_ms))
            print_all(v);
        return;
    }
    if (changed)
        line->printed_ms = 0;
    if (is_due(&line->printed_ms))
        print_host(v, line);
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
