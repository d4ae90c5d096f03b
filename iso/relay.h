/* A program that has all consoles as its one terminal: what it writes is on each of them, and
 * whoever types on one of them answers it. */
#pragma once

#include "iso/consoles.h"
#include "lib/error.h"

#include <stdbool.h>

/* Runs it to its end. *code: its exit code, 128 + signal when a signal ended it. With *cancel it
 * gets a SIGINT, as from a Ctrl-C. */
int iso_relay(const struct iso_consoles *c, const char *const argv[], const bool *cancel, int *code,
              struct error *err);
/* Waits for someone to press Enter on one of the consoles: true; at most `ms` milliseconds. What
 * was typed before that in the same line is appended to `line` (may be NULL). */
bool iso_relay_enter(const struct iso_consoles *c, int ms, struct strbuf *line);
