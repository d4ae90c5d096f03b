/* What the user sees while hosts (or what else has rows: the components of a stack) work: on a
 * terminal a live line for each with a bar and a summary line; otherwise plain lines; with
 * --output json one JSON event a line. Thread-safe. Everything that came from a host goes through
 * strbuf_add_printable. NO_COLOR, TERM=dumb and a narrow terminal are respected. */
#pragma once

#include "coordinator/inventory.h"
#include "lib/error.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* VIEW_QUIET shows errors only, for commands whose output is something else. */
enum view_mode { VIEW_AUTO, VIEW_PLAIN, VIEW_LIVE, VIEW_JSON, VIEW_QUIET };
enum view_state { VIEW_WAITING, VIEW_WORKING, VIEW_DONE, VIEW_FAILED };

struct view;
struct view *view_open(enum view_mode mode, const struct inventory *inv);
/* With rows that are no hosts: `what` is one of them, "component" (static; also the key in JSON);
 * the names are copied. Row i is what view_host calls host i. */
struct view *view_open_rows(enum view_mode mode, const char *what, const struct strv *names);
void view_close(struct view **v); /* leaves the terminal as it was, cursor shown */
/* Around a question on the terminal (tty_ask does it): the live area goes away, and comes back.
 * Nothing without a live view. */
void view_pause(void);
void view_resume(void);
/* Shows the cursor again if a live view hid it. Async-signal-safe: for a handler that ends us. */
void view_restore_terminal(void);
/* host: index in inv->hosts. phase is a word ("connect", "transfer", "init"); text what goes on.
 * total 0: how far is unknown. A total of VIEW_BYTES_FROM or more is shown as bytes, a smaller one
 * as a count. Cheap enough to be called for every chunk: most calls draw nothing. */
#define VIEW_BYTES_FROM (64 * 1024)
void view_host(struct view *v, size_t host, enum view_state state, const char *phase,
               const char *text, int64_t done, int64_t total);
/* A line of its own that stays: a change that was made, a warning. */
void view_note(struct view *v, const struct host *h, const char *format, ...) PRINTF_LIKE(3, 4);
void view_warn(struct view *v, const struct host *h, const char *format, ...) PRINTF_LIKE(3, 4);
/* Host (may be NULL), step, cause, remedy. */
void view_error(struct view *v, const struct host *h, const char *step, const struct error *err);
/* The same two for a row. */
void view_row_note(struct view *v, size_t row, const char *format, ...) PRINTF_LIKE(3, 4);
void view_row_error(struct view *v, size_t row, const char *step, const struct error *err);
/* Phase and milliseconds it took, for the table at the end. */
void view_phase(struct view *v, const struct host *h, const char *phase, int64_t ms);
/* Bytes of the bundle that left this machine, of how many that the hosts are to have together. */
void view_transfer(struct view *v, int64_t sent, int64_t wanted);
void view_summary(struct view *v, const char *format, ...) PRINTF_LIKE(2, 3);
