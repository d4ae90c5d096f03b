/* Hosts that have no address in hosts.yaml, but a card or a serial number: they get the address of
 * the machine that announces it (iso/heard.h). An announcement proves nothing: the host's key is
 * judged as any other (coordinator/host-key.h). */
#pragma once

#include "coordinator/inventory.h"
#include "iso/heard.h"
#include "lib/error.h"
#include "lib/strv.h"

#include <stdbool.h>

bool find_hosts_needed(const struct inventory *inv);
/* Pure. What is found goes into inv, with a line that tells it into *found, only when all of them
 * are. -ESRCH: the error names those that are not, and what was heard instead. -EEXIST: two
 * machines say that they are one host, or one that it is two. All texts are safe to print. */
int find_hosts_match(struct inventory *inv, const struct iso_heard_list *heard, struct strv *found,
                     struct error *err);
/* Asks the network, again and again until all are found or patience_ms are over. Another error than
 * these: nobody could be asked. cancel may be NULL. */
int find_hosts(struct inventory *inv, int patience_ms, const bool *cancel, struct strv *found,
               struct error *err);
