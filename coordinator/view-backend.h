/* Between view.c and the three ways to show things (view-live.c, view-plain.c, view-json.c), plus
 * the table of phases (view-phases.c). All of it runs under the view's lock. */
#pragma once

#include "coordinator/view.h"
#include "lib/strbuf.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIEW_LINE_MAX 4096
#define VIEW_TABLE_MAX ((size_t) 256 * 1024)
#define VIEW_FRAME_MAX ((size_t) 4 * 1024 * 1024) /* the live area and what is pending */
#define VIEW_LABEL_WIDTH_MAX 32
#define VIEW_PHASE_MAX 24

/* What is known of one host. Texts are printable. */
struct view_line {
    const char *label; /* borrowed from the inventory, or from view.names */
    enum view_state state;
    char phase[VIEW_PHASE_MAX];
    char text[160];
    int64_t done, total;
    int64_t since_ms;   /* monotonic: of this state and phase */
    int64_t printed_ms; /* line-wise output: when last; 0: never */
    char *said;         /* plain output: its last line, owned, and when; NULL: none */
    int64_t said_ms;
};

struct view_phase_time {
    char phase[VIEW_PHASE_MAX];
    size_t host; /* index, or SIZE_MAX for the cluster */
    int64_t ms;
};

struct view {
    pthread_mutex_t lock;
    const struct view_backend *backend;
    const char *what; /* a row is: "host" */
    struct strv names; /* of rows that are no hosts */
    struct view_line *lines;
    size_t count;
    size_t label_width;
    int64_t started_ms;
    struct view_phase_time *times;
    size_t time_count;
    int64_t printed_ms; /* line-wise output of many hosts: when last; 0: never */
    /* live only */
    pthread_t ticker;
    pthread_cond_t wake;
    bool stop, paused, color, utf8;
    struct strbuf pending; /* lines that stay, not on the terminal yet */
    size_t drawn;          /* lines of the live area on the terminal now */
    unsigned tick;
};

/* label is NULL when no host is meant. text is printable; an error's is not yet. */
struct view_backend {
    void (*open)(struct view *v);                            /* may be NULL */
    void (*close)(struct view *v);                           /* may be NULL */
    void (*host)(struct view *v, size_t host, bool changed); /* changed: state or phase did */
    void (*note)(struct view *v, const char *label, bool warning, const char *text);
    void (*error)(struct view *v, const char *label, const char *step, const struct error *err);
    void (*phase)(struct view *v, const struct view_phase_time *time); /* may be NULL */
    void (*transfer)(struct view *v, int64_t sent, int64_t wanted);    /* may be NULL: a note */
    void (*summary)(struct view *v, const char *text);
};
extern const struct view_backend view_live, view_plain, view_json, view_quiet;

/* Hosts by enum view_state, and "3 done, 2 working". */
void view_count_states(const struct view *v, size_t counts[4]);
void view_add_counts(struct strbuf *out, const size_t counts[4]);
/* "12.1/31.0 MiB", "3/7", or nothing. */
void view_amount(struct strbuf *out, int64_t done, int64_t total);
/* "n2: init failed: cause\n  remedy: ...\n", each line made printable. */
void view_error_text(struct strbuf *out, const char *label, const char *step,
                     const struct error *err);
/* The table of phases, at most `columns` wide; nothing when there are none. */
void view_phase_table(const struct view *v, size_t columns, struct strbuf *out);

struct view_size {
    size_t rows, columns;
};
/* The live area: host lines and the summary line, each ending in a newline. Returns how many. */
size_t view_live_render(const struct view *v, struct view_size size, int64_t now_ms,
                        struct strbuf *out);
