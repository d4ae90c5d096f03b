#include "coordinator/view-backend.h"
#include "lib/clock.h"
#include "lib/fd.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 100 /* the most often that the area is drawn */
#define BAR_CELLS 16
#define PHASE_WIDTH 10

#define RESET "\033[0m"
#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define CYAN "\033[36m"
/* Without line wrap a character that is wider than we count cannot break the layout. */
#define HIDE "\033[?25l\033[?7l"
#define SHOW "\033[?7h\033[?25h"

static volatile sig_atomic_t cursor_hidden;

/* There is one terminal, and who writes to it holds this lock, taken before a view's own. That one
 * is never held while writing: a terminal that was stopped (Ctrl-S) must not stop the hosts. */
static pthread_mutex_t terminal_lock = PTHREAD_MUTEX_INITIALIZER;
static struct view *live;

void view_restore_terminal(void)
{
    if (cursor_hidden)
        (void) !write(STDOUT_FILENO, SHOW "\r\n", sizeof(SHOW "\r\n") - 1);
}

/* One line being drawn: `left` columns are free. */
struct pen {
    struct strbuf *out;
    size_t left;
    bool color;
};

/* One code point is taken as one column. */
static void put(struct pen *pen, const char *style, const char *text)
{
    if (pen->color && style)
        strbuf_adds(pen->out, style);
    while (*text && pen->left > 0) {
        size_t len = 1;
        while (((unsigned char) text[len] & 0xc0) == 0x80)
            len++;
        strbuf_add(pen->out, text, len);
        text += len;
        pen->left--;
    }
    if (pen->color && style)
        strbuf_adds(pen->out, RESET);
}

static void put_padded(struct pen *pen, const char *style, const char *text, size_t width)
{
    size_t limit = width < pen->left ? width : pen->left;
    struct pen cell = {pen->out, limit, pen->color};
    put(&cell, style, text);
    while (cell.left > 0)
        put(&cell, NULL, " ");
    pen->left -= limit;
}

static void put_bar(struct pen *pen, bool utf8, int64_t done, int64_t total)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double share = done <= 0 ? 0 : done >= total ? 1 : (double) done / (double) total;
    size_t filled = (size_t) (share * BAR_CELLS * 8);
    STRBUF(full, 256);
    STRBUF(rest, 256);
    for (size_t i = 0; i < filled / 8; i++)
        strbuf_adds(&full, utf8 ? "█" : "#");
    bool part = utf8 && filled % 8;
    if (part)
        strbuf_adds(&full, eighths[filled % 8]);
    for (size_t i = filled / 8 + part; i < BAR_CELLS; i++)
        strbuf_adds(&rest, utf8 ? "·" : "-");
    put(pen, CYAN, full.data);
    put(pen, DIM, rest.data);
    char percent[16];
    (void) snprintf(percent, sizeof(percent), " %3d %%  ", (int) (share * 100));
    put(pen, NULL, percent);
}

static void put_icon(struct pen *pen, const struct view *v, enum view_state state)
{
    static const char *const spinner[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    static const char *const ascii_spinner[] = {"|", "/", "-", "\\"};
    static const struct {
        const char *utf8, *ascii, *style;
    } icons[] = {[VIEW_WAITING] = {"·", ".", DIM},
                 [VIEW_WORKING] = {NULL, NULL, CYAN},
                 [VIEW_DONE] = {"✓", "+", GREEN},
                 [VIEW_FAILED] = {"✗", "x", RED}};
    const char *icon = v->utf8 ? icons[state].utf8 : icons[state].ascii;
    if (!icon)
        icon = v->utf8 ? spinner[v->tick % ARRAY_SIZE(spinner)]
                       : ascii_spinner[v->tick % ARRAY_SIZE(ascii_spinner)];
    put(pen, icons[state].style, icon);
}

static void add_elapsed(struct strbuf *out, int64_t ms)
{
    int64_t s = ms / 1000;
    if (s >= 3600)
        strbuf_addf(out, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60, s % 60);
    else
        strbuf_addf(out, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
}

static void put_working(struct pen *pen, const struct view *v, const struct view_line *line,
                        int64_t now_ms)
{
    STRBUF(tail, 128);
    view_amount(&tail, line->done, line->total);
    STRBUF(elapsed, 32);
    add_elapsed(&elapsed, now_ms - line->since_ms);
    put_padded(pen, BOLD, line->phase, PHASE_WIDTH);
    put(pen, NULL, "  ");
    if (line->total > 0)
        put_bar(pen, v->utf8, line->done, line->total);
    /* The text is what gives way when the line is too long. */
    size_t reserved = tail.len + elapsed.len + 4;
    struct pen text = {pen->out, pen->left > reserved ? pen->left - reserved : 0, pen->color};
    size_t room = text.left;
    put(&text, NULL, line->text);
    pen->left -= room - text.left;
    put(pen, NULL, line->text[0] ? "  " : "");
    put(pen, NULL, tail.data);
    put(pen, NULL, tail.len ? "  " : "");
    put(pen, DIM, elapsed.data);
}

static void render_host(const struct view *v, const struct view_line *line, size_t columns,
                        int64_t now_ms, struct strbuf *out)
{
    struct pen pen = {out, columns - 1, v->color};
    put_padded(&pen, NULL, line->label, v->label_width);
    put(&pen, NULL, "  ");
    put_icon(&pen, v, line->state);
    put(&pen, NULL, " ");
    if (line->state == VIEW_WORKING) {
        put_working(&pen, v, line, now_ms);
    } else {
        static const char *const styles[] = {[VIEW_WAITING] = DIM, [VIEW_FAILED] = RED};
        const char *style = line->state == VIEW_DONE ? NULL : styles[line->state];
        put_padded(&pen, style, line->phase, line->text[0] ? PHASE_WIDTH : strlen(line->phase));
        put(&pen, NULL, line->text[0] ? "  " : "");
        put(&pen, style, line->text);
    }
    strbuf_addc(out, '\n');
}

/* Too many hosts for the screen: those that need attention first, the rest as numbers. */
static size_t render_some(const struct view *v, size_t room, size_t columns, int64_t now_ms,
                          struct strbuf *out)
{
    static const enum view_state order[] = {VIEW_FAILED, VIEW_WORKING, VIEW_WAITING, VIEW_DONE};
    size_t hidden[4], shown = 0;
    view_count_states(v, hidden);
    for (size_t o = 0; o < ARRAY_SIZE(order); o++)
        for (size_t i = 0; i < v->count && shown + 1 < room; i++) {
            if (v->lines[i].state != order[o])
                continue;
            render_host(v, &v->lines[i], columns, now_ms, out);
            hidden[order[o]]--;
            shown++;
        }
    struct pen pen = {out, columns - 1, v->color};
    STRBUF(text, 128);
    strbuf_addf(&text, "%s and %zu more: ", v->utf8 ? "…" : "...", v->count - shown);
    view_add_counts(&text, hidden);
    put(&pen, DIM, text.data);
    strbuf_addc(out, '\n');
    return shown + 1;
}

size_t view_live_render(const struct view *v, struct view_size size, int64_t now_ms,
                        struct strbuf *out)
{
    if (v->count == 0)
        return 0;
    size_t room = size.rows > 3 ? size.rows - 2 : 1; /* the summary line and the cursor's */
    size_t drawn = v->count;
    if (v->count > room)
        drawn = render_some(v, room, size.columns, now_ms, out);
    else
        for (size_t i = 0; i < v->count; i++)
            render_host(v, &v->lines[i], size.columns, now_ms, out);
    struct pen pen = {out, size.columns - 1, v->color};
    size_t counts[4];
    view_count_states(v, counts);
    STRBUF(text, 128);
    strbuf_addf(&text, "%zu %s%s: ", v->count, v->what, v->count == 1 ? "" : "s");
    view_add_counts(&text, counts);
    put(&pen, BOLD, text.data);
    STRBUF(elapsed, 32);
    add_elapsed(&elapsed, now_ms - v->started_ms);
    put(&pen, NULL, "  ");
    put(&pen, DIM, elapsed.data);
    strbuf_addc(out, '\n');
    return drawn + 1;
}

static struct view_size terminal_size(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
        return (struct view_size){24, 80};
    return (struct view_size){size.ws_row, size.ws_col};
}

static void erase(struct view *v, struct strbuf *out)
{
    if (v->drawn > 0)
        strbuf_addf(out, "\033[%zuF", v->drawn);
    strbuf_adds(out, "\033[J");
    v->drawn = 0;
}

/* Everything in one write: the area goes, what stays is printed, the area comes again. */
static void compose(struct view *v, struct strbuf *frame)
{
    erase(v, frame);
    strbuf_adds(frame, "\033[?7h");
    strbuf_add(frame, v->pending.data, v->pending.len);
    strbuf_adds(frame, "\033[?7l");
    strbuf_reset(&v->pending);
    v->drawn = view_live_render(v, terminal_size(), clock_monotonic_ms(), frame);
    v->tick++;
}

static void draw(struct view *v)
{
    STRBUF(frame, VIEW_FRAME_MAX);
    pthread_mutex_lock(&terminal_lock);
    pthread_mutex_lock(&v->lock);
    if (!v->paused)
        compose(v, &frame);
    pthread_mutex_unlock(&v->lock);
    (void) fd_write_all(STDOUT_FILENO, frame.data, frame.len);
    pthread_mutex_unlock(&terminal_lock);
}

/* Until the next tick; false when there is none. */
static bool wait_for_tick(struct view *v)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&v->lock);
    while (!v->stop && pthread_cond_timedwait(&v->wake, &v->lock, &until) == 0)
        continue;
    bool stop = v->stop;
    pthread_mutex_unlock(&v->lock);
    return !stop;
}

static void *tick(void *userdata)
{
    struct view *v = userdata;
    do
        draw(v);
    while (wait_for_tick(v));
    return NULL;
}

static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *value = getenv(names[i]);
        if (value && value[0])
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

/* Signals are for the main thread, whose calls they interrupt. */
static void start_ticker(struct view *v)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&v->ticker, NULL, tick, v) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void set_live(struct view *v)
{
    pthread_mutex_lock(&terminal_lock);
    live = v;
    pthread_mutex_unlock(&terminal_lock);
}

static void live_open(struct view *v)
{
    const char *no_color = getenv("NO_COLOR");
    v->color = !no_color || !no_color[0];
    v->utf8 = locale_is_utf8();
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&v->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    (void) fflush(stdout);
    set_live(v);
    cursor_hidden = 1;
    (void) fd_write_all(STDOUT_FILENO, HIDE, sizeof(HIDE) - 1);
    start_ticker(v);
}

static void live_close(struct view *v)
{
    set_live(NULL);
    pthread_mutex_lock(&v->lock);
    v->stop = true;
    pthread_cond_signal(&v->wake);
    pthread_mutex_unlock(&v->lock);
    pthread_join(v->ticker, NULL);
    pthread_cond_destroy(&v->wake);
    draw(v);
    (void) fd_write_all(STDOUT_FILENO, SHOW, sizeof(SHOW) - 1);
    cursor_hidden = 0;
}

static void set_paused(bool paused)
{
    STRBUF(out, 64);
    pthread_mutex_lock(&terminal_lock);
    if (live) {
        pthread_mutex_lock(&live->lock);
        erase(live, &out);
        strbuf_adds(&out, paused ? SHOW : HIDE);
        live->paused = paused;
        pthread_mutex_unlock(&live->lock);
    }
    (void) fd_write_all(STDOUT_FILENO, out.data, out.len);
    pthread_mutex_unlock(&terminal_lock);
}

void view_pause(void)
{
    set_paused(true);
}

void view_resume(void)
{
    set_paused(false);
}

/* The next tick shows it. */
static void live_host(struct view *v, size_t host, bool changed)
{
    (void) v;
    (void) host;
    (void) changed;
}

static void add_styled(struct view *v, const char *style, const char *text)
{
    strbuf_addf(&v->pending, "%s%s%s", v->color ? style : "", text, v->color ? RESET : "");
}

static void live_note(struct view *v, const char *label, bool warning, const char *text)
{
    if (label)
        strbuf_addf(&v->pending, "%s: ", label);
    if (warning)
        add_styled(v, YELLOW, "warning: ");
    strbuf_addf(&v->pending, "%s\n", text);
}

/* Also to stderr when that is somewhere else: a log must have the errors. */
static void live_error(struct view *v, const char *label, const char *step, const struct error *err)
{
    STRBUF(out, VIEW_LINE_MAX);
    view_error_text(&out, label, step, err);
    add_styled(v, RED, out.data);
    if (!isatty(STDERR_FILENO))
        (void) fputs(out.data, stderr);
}

/* Below the area, which stays as it is: the last word. */
static void live_summary(struct view *v, const char *text)
{
    struct view_size size = terminal_size();
    (void) view_live_render(v, size, clock_monotonic_ms(), &v->pending);
    view_phase_table(v, size.columns - 1, &v->pending);
    add_styled(v, BOLD, text);
    strbuf_addc(&v->pending, '\n');
    v->count = 0;
}

const struct view_backend view_live = {
    .open = live_open,
    .close = live_close,
    .host = live_host,
    .note = live_note,
    .error = live_error,
    .summary = live_summary,
};
