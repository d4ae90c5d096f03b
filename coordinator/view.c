#include "coordinator/view.h"

#include "coordinator/view-backend.h"
#include "lib/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LIVE_COLUMNS_MIN 40

static bool live_is_possible(void)
{
    const char *term = getenv("TERM");
    if (!isatty(STDOUT_FILENO) || !term || !term[0] || strcmp(term, "dumb") == 0)
        return false;
    struct winsize size = {0};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= LIVE_COLUMNS_MIN;
}

/* Live on anything that is no terminal would only write escapes into a file. */
static const struct view_backend *choose(enum view_mode mode)
{
    if (mode == VIEW_QUIET)
        return &view_quiet;
    if (mode == VIEW_JSON)
        return &view_json;
    if (mode == VIEW_PLAIN || !live_is_possible())
        return &view_plain;
    return &view_live;
}

static void set_label(struct view *v, size_t i, const char *label)
{
    v->lines[i].label = label;
    v->lines[i].since_ms = v->started_ms;
    size_t width = strlen(label);
    if (width > v->label_width)
        v->label_width = width < VIEW_LABEL_WIDTH_MAX ? width : VIEW_LABEL_WIDTH_MAX;
}

static struct view *new_view(enum view_mode mode, const char *what, size_t rows)
{
    struct view *v = xcalloc(1, sizeof(*v));
    pthread_mutex_init(&v->lock, NULL);
    v->started_ms = clock_monotonic_ms();
    v->backend = choose(mode);
    strbuf_init(&v->pending, VIEW_FRAME_MAX / 2);
    v->what = what;
    v->count = rows;
    v->lines = xcalloc(rows + 1, sizeof(*v->lines));
    return v;
}

static struct view *start(struct view *v)
{
    if (v->backend->open)
        v->backend->open(v);
    return v;
}

struct view *view_open(enum view_mode mode, const struct inventory *inv)
{
    struct view *v = new_view(mode, "host", inv ? inv->host_count : 0);
    for (size_t i = 0; i < v->count; i++)
        set_label(v, i, host_label(&inv->hosts[i]));
    return start(v);
}

struct view *view_open_rows(enum view_mode mode, const char *what, const struct strv *names)
{
    struct view *v = new_view(mode, what, names->count);
    for (size_t i = 0; i < v->count; i++) {
        strv_add(&v->names, names->items[i]);
        set_label(v, i, v->names.items[i]);
    }
    return start(v);
}

void view_close(struct view **view)
{
    struct view *v = *view;
    if (!v)
        return;
    if (v->backend->close)
        v->backend->close(v);
    pthread_mutex_destroy(&v->lock);
    strbuf_release(&v->pending);
    strv_release(&v->names);
    for (size_t i = 0; i < v->count; i++)
        free(v->lines[i].said);
    free(v->lines);
    free(v->times);
    free(v);
    *view = NULL;
}

/* Cut to fit, never inside a UTF-8 sequence. */
static void set_text(char *into, size_t size, const char *text)
{
    STRBUF(safe, VIEW_LINE_MAX);
    strbuf_add_printable(&safe, text ? text : "", text ? strlen(text) : 0);
    size_t len = safe.len;
    if (len >= size)
        len = utf8_start(safe.data, size - 1);
    memcpy(into, safe.data, len);
    into[len] = '\0';
}

void view_host(struct view *v, size_t host, enum view_state state, const char *phase,
               const char *text, int64_t done, int64_t total)
{
    pthread_mutex_lock(&v->lock);
    if (host < v->count) {
        struct view_line *line = &v->lines[host];
        char before[VIEW_PHASE_MAX];
        memcpy(before, line->phase, sizeof(before));
        set_text(line->phase, sizeof(line->phase), phase);
        bool changed = line->state != state || strcmp(before, line->phase) != 0;
        set_text(line->text, sizeof(line->text), text);
        line->state = state;
        line->done = done;
        line->total = total;
        if (changed)
            line->since_ms = clock_monotonic_ms();
        v->backend->host(v, host, changed);
    }
    pthread_mutex_unlock(&v->lock);
}

PRINTF_LIKE(4, 0)
static void note(struct view *v, const char *label, bool warning, const char *format, va_list args)
{
    STRBUF(text, VIEW_LINE_MAX);
    STRBUF(safe, VIEW_LINE_MAX);
    strbuf_vaddf(&text, format, args);
    strbuf_add_printable(&safe, text.data, text.len);
    pthread_mutex_lock(&v->lock);
    v->backend->note(v, label, warning, safe.data);
    pthread_mutex_unlock(&v->lock);
}

static const char *label_of(const struct host *h)
{
    return h ? host_label(h) : NULL;
}

void view_note(struct view *v, const struct host *h, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note(v, label_of(h), false, format, args);
    va_end(args);
}

void view_warn(struct view *v, const struct host *h, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note(v, label_of(h), true, format, args);
    va_end(args);
}

void view_row_note(struct view *v, size_t row, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    note(v, v->lines[row].label, false, format, args);
    va_end(args);
}

static void show_error(struct view *v, const char *label, const char *step, const struct error *err)
{
    pthread_mutex_lock(&v->lock);
    v->backend->error(v, label, step, err);
    pthread_mutex_unlock(&v->lock);
}

void view_error(struct view *v, const struct host *h, const char *step, const struct error *err)
{
    show_error(v, label_of(h), step, err);
}

void view_row_error(struct view *v, size_t row, const char *step, const struct error *err)
{
    show_error(v, v->lines[row].label, step, err);
}

static size_t line_of(const struct view *v, const struct host *h)
{
    for (size_t i = 0; h && i < v->count; i++)
        if (v->lines[i].label == host_label(h))
            return i;
    return SIZE_MAX;
}

void view_phase(struct view *v, const struct host *h, const char *phase, int64_t ms)
{
    pthread_mutex_lock(&v->lock);
    v->times = xrealloc(v->times, v->time_count + 1, sizeof(*v->times));
    struct view_phase_time *time = &v->times[v->time_count++];
    *time = (struct view_phase_time){.host = line_of(v, h), .ms = ms};
    set_text(time->phase, sizeof(time->phase), phase);
    if (v->backend->phase)
        v->backend->phase(v, time);
    pthread_mutex_unlock(&v->lock);
}

void view_transfer(struct view *v, int64_t sent, int64_t wanted)
{
    const double mib = 1024 * 1024;
    if (!v->backend->transfer) {
        view_note(v, NULL, "%.1f MiB left this machine, of a bundle of %.1f MiB (%.2f of it)",
                  (double) sent / mib, (double) wanted / mib, (double) sent / (double) wanted);
        return;
    }
    pthread_mutex_lock(&v->lock);
    v->backend->transfer(v, sent, wanted);
    pthread_mutex_unlock(&v->lock);
}

void view_summary(struct view *v, const char *format, ...)
{
    STRBUF(text, VIEW_LINE_MAX);
    STRBUF(safe, VIEW_LINE_MAX);
    va_list args;
    va_start(args, format);
    strbuf_vaddf(&text, format, args);
    va_end(args);
    strbuf_add_printable(&safe, text.data, text.len);
    pthread_mutex_lock(&v->lock);
    v->backend->summary(v, safe.data);
    pthread_mutex_unlock(&v->lock);
}

void view_count_states(const struct view *v, size_t counts[4])
{
    memset(counts, 0, 4 * sizeof(counts[0]));
    for (size_t i = 0; i < v->count; i++)
        counts[v->lines[i].state]++;
}

void view_add_counts(struct strbuf *out, const size_t counts[4])
{
    static const enum view_state order[] = {VIEW_DONE, VIEW_WORKING, VIEW_WAITING, VIEW_FAILED};
    static const char *const words[] = {[VIEW_WAITING] = "waiting",
                                        [VIEW_WORKING] = "working",
                                        [VIEW_DONE] = "done",
                                        [VIEW_FAILED] = "failed"};
    const char *separator = "";
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        if (counts[order[i]] == 0)
            continue;
        strbuf_addf(out, "%s%zu %s", separator, counts[order[i]], words[order[i]]);
        separator = ", ";
    }
}

void view_amount(struct strbuf *out, int64_t done, int64_t total)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (total <= 0)
        return;
    if (total < (int64_t) VIEW_BYTES_FROM) {
        strbuf_addf(out, "%" PRId64 "/%" PRId64, done, total);
        return;
    }
    size_t unit = 0;
    double scale = 1024;
    while (unit + 1 < ARRAY_SIZE(units) && (double) total / scale >= 1024) {
        scale *= 1024;
        unit++;
    }
    double of = (double) total / scale;
    int digits = of < 10 ? 1 : 0;
    strbuf_addf(out, "%.*f/%.*f %s", digits, (double) done / scale, digits, of, units[unit]);
}

/* Programs' last words have several lines; each stays one, indented under the first. */
static void add_indented(struct strbuf *out, const char *text, const char *indent)
{
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        if (line != text)
            strbuf_adds(out, indent);
        strbuf_add_printable(out, line, len);
        strbuf_addc(out, '\n');
        line += len + (line[len] == '\n');
    }
}

void view_error_text(struct strbuf *out, const char *label, const char *step,
                     const struct error *err)
{
    if (label)
        strbuf_addf(out, "%s: ", label);
    if (step && step[0])
        strbuf_addf(out, "%s failed: ", step);
    add_indented(out, err->text[0] ? err->text : "no reason was given", "    ");
    if (err->remedy[0]) {
        strbuf_adds(out, "  remedy: ");
        add_indented(out, err->remedy, "          ");
    }
}
