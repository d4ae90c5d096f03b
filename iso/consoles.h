/* Every screen that the kernel writes to, as one: the VGA screen and the serial line. */
#pragma once

#include "iso/page.h"
#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>

#define ISO_CONSOLES_MAX 8

struct iso_consoles {
    int fds[ISO_CONSOLES_MAX];
    bool is_screen[ISO_CONSOLES_MAX]; /* it can be cleared; else lines are added */
    size_t count;
    struct iso_page *page; /* gets what they get; or NULL */
};
void iso_consoles_close(struct iso_consoles *c);
#define AUTO_ISO_CONSOLES CLEANUP(iso_consoles_close) struct iso_consoles

/* Those of the kernel's command line. One that does not open is left out; none at all: -ENODEV. */
int iso_consoles_open(struct iso_consoles *out, struct error *err);
/* Pure: the devices that /sys/class/tty/console/active names, "tty0 ttyS0". tty0 is whichever
 * screen is in front; ours is tty1. */
void iso_consoles_devices(const char *active, struct strv *out);
/* Pure: it can be cleared. A serial line is none, whatever its machine calls it. */
bool iso_consoles_is_screen(const char *device);
/* The text is all that is to be seen. Whoever does not read does not stop the others. */
void iso_consoles_show(const struct iso_consoles *c, const char *text);
void iso_consoles_add(const struct iso_consoles *c, const void *data, size_t len);
