/* Questions to the person at the terminal, on /dev/tty. Threads ask one after another. */
#pragma once

#include "lib/error.h"
#include "lib/strbuf.h"

#include <stdbool.h>

/* Whether there is somebody to ask. */
bool tty_available(void);
/* Prints the text and reads one line, without its newline, appended to the answer; not echoed when
 * secret (the answer is then the caller's to wipe). cancel may be NULL and is looked at every
 * 200 ms. -ENOTTY without a terminal, -ECANCELED, -EPIPE when the terminal is closed. */
int tty_ask(const char *text, bool secret, const bool *cancel, struct strbuf *answer,
            struct error *err);
