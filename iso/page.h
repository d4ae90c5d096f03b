/* What the consoles show, as a web page that can be read and nothing else: on every address of this
 * machine, for whoever is in the rack's network. */
#pragma once

#include "lib/error.h"

#include <stddef.h>
#include <stdint.h>

#define ISO_PAGE_PORT 80

struct iso_page;

/* Starts a thread that answers. port 0: any. */
int iso_page_open(uint16_t port, struct iso_page **out, struct error *err);
void iso_page_close(struct iso_page **page);
#define AUTO_ISO_PAGE CLEANUP(iso_page_close) struct iso_page

uint16_t iso_page_port(const struct iso_page *page);
/* As to a terminal. */
void iso_page_write(struct iso_page *page, const void *data, size_t len);
