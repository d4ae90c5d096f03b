/* What is only done when the user agrees to it. The hosts' threads collect it before anything is
 * changed; then it is asked once, all of it together (run.c does so between the gates), or an
 * option agreed to it beforehand. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/strv.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* One table in consent.c: which option agrees, and what is assumed where nobody can be asked. */
enum consent_kind { CONSENT_RESET, CONSENT_REMOVAL, CONSENT_SLOW_DISKS, CONSENT_KINDS };

struct consent {
    pthread_mutex_t mutex;
    bool given[CONSENT_KINDS];        /* by options; set before any thread starts */
    struct strv needed[CONSENT_KINDS]; /* printable */
};

void consent_init(struct consent *c);
void consent_release(struct consent *c);
/* Something that needs consent, in words that end a sentence ("n3: its node is removed …"). Ignored
 * where it was given. From any thread. */
void consent_need(struct consent *c, enum consent_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Takes back what is needed of that kind and begins with "LABEL: ", without asking; appended. */
void consent_take(struct consent *c, enum consent_kind kind, const char *label, struct strv *out);
/* "TEXT (OPTION agrees to it)" for each that is needed, appended. */
void consent_list(struct consent *c, struct strv *out);
/* Asks for all that is needed, and forgets it. The user agrees by typing `word`. -EPERM, with a
 * remedy: not agreed, or nobody is there to ask; -ECANCELED. */
int consent_ask(struct consent *c, const char *word, const bool *cancel, struct error *err);
