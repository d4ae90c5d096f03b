#include "coordinator/view-backend.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PHASES_MAX 32 /* different names in one table; more are not shown */
#define CELL 10
#define CELL_GAP 2

struct phase_names {
    const char *names[PHASES_MAX];
    size_t count, width;
};

static void collect_names(const struct view *v, struct phase_names *out)
{
    out->width = strlen("phase");
    for (size_t i = 0; i < v->time_count; i++) {
        const char *name = v->times[i].phase;
        size_t known = 0;
        while (known < out->count && strcmp(out->names[known], name) != 0)
            known++;
        if (known < out->count || out->count == PHASES_MAX)
            continue;
        out->names[out->count++] = name;
        if (strlen(name) > out->width)
            out->width = strlen(name);
    }
}

static void add_seconds(struct strbuf *out, int64_t ms)
{
    char text[32];
    (void) snprintf(text, sizeof(text), "%" PRId64 ".%" PRId64 " s", ms / 1000, ms % 1000 / 100);
    strbuf_addf(out, "%*s%*s", CELL_GAP, "", CELL, text);
}

/* A phase that a host went through twice (a reconnect) took the sum. -1: not at all. */
static int64_t time_of(const struct view *v, const char *phase, size_t host)
{
    int64_t ms = -1;
    for (size_t i = 0; i < v->time_count; i++)
        if (v->times[i].host == host && strcmp(v->times[i].phase, phase) == 0)
            ms = (ms < 0 ? 0 : ms) + v->times[i].ms;
    return ms;
}

static void end_row(struct strbuf *out)
{
    while (out->len > 0 && out->data[out->len - 1] == ' ')
        out->data[--out->len] = '\0';
    strbuf_addc(out, '\n');
}

static void add_cell(const struct view *v, const char *phase, size_t host, struct strbuf *out)
{
    int64_t ms = time_of(v, phase, host);
    if (ms < 0)
        strbuf_addf(out, "%*s%*s", CELL_GAP, "", CELL, "");
    else
        add_seconds(out, ms);
}

static bool has_cluster_times(const struct view *v)
{
    for (size_t i = 0; i < v->time_count; i++)
        if (v->times[i].host == SIZE_MAX)
            return true;
    return false;
}

/* One column a host: for as many as fit. */
static void table_by_host(const struct view *v, const struct phase_names *p, struct strbuf *out)
{
    bool cluster = has_cluster_times(v);
    strbuf_addf(out, "%-*s", (int) p->width, "phase");
    for (size_t host = 0; host < v->count; host++)
        strbuf_addf(out, "%*s%*.*s", CELL_GAP, "", CELL, CELL, v->lines[host].label);
    if (cluster)
        strbuf_addf(out, "%*s%*s", CELL_GAP, "", CELL, "cluster");
    end_row(out);
    for (size_t i = 0; i < p->count; i++) {
        strbuf_addf(out, "%-*s", (int) p->width, p->names[i]);
        for (size_t host = 0; host < v->count; host++)
            add_cell(v, p->names[i], host, out);
        if (cluster)
            add_cell(v, p->names[i], SIZE_MAX, out);
        end_row(out);
    }
}

static int compare_ms(const void *a, const void *b)
{
    int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

/* For many hosts: what half of them needed, and who needed longest. */
static void table_of_extremes(const struct view *v, const struct phase_names *p, struct strbuf *out)
{
    strbuf_addf(out, "%-*s  %10s  %10s  slowest host\n", (int) p->width, "phase", "median",
                "slowest");
    AUTO_FREE int64_t *sorted = xcalloc(v->time_count, sizeof(*sorted));
    for (size_t i = 0; i < p->count; i++) {
        size_t count = 0;
        const struct view_phase_time *slowest = NULL;
        for (size_t t = 0; t < v->time_count; t++) {
            if (strcmp(v->times[t].phase, p->names[i]) != 0)
                continue;
            sorted[count++] = v->times[t].ms;
            if (!slowest || v->times[t].ms > slowest->ms)
                slowest = &v->times[t];
        }
        if (!slowest)
            continue;
        qsort(sorted, count, sizeof(*sorted), compare_ms);
        strbuf_addf(out, "%-*s", (int) p->width, p->names[i]);
        add_seconds(out, sorted[count / 2]);
        add_seconds(out, slowest->ms);
        strbuf_addf(out, "  %s\n",
                    slowest->host < v->count ? v->lines[slowest->host].label : "cluster");
    }
}

void view_phase_table(const struct view *v, size_t columns, struct strbuf *out)
{
    if (v->time_count == 0)
        return;
    struct phase_names names = {.count = 0};
    collect_names(v, &names);
    size_t width = names.width + (v->count + 1) * (CELL + CELL_GAP);
    if (width <= columns)
        table_by_host(v, &names, out);
    else
        table_of_extremes(v, &names, out);
}
