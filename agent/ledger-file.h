/* The ledger's inside, shared by ledger.c (records), ledger-file.c (the file) and ledger-undo*.c.
 */
#pragma once

#include "agent/ledger.h"

#include <pthread.h>

#define LEDGER_FILE_MAX (64u << 20) /* bytes; far above what a host's records take */

struct ledger {
    int fd;     /* locked (flock) as long as it is open */
    off_t size; /* of the durable records */
    char *path;
    char *former_dir; /* contents of files as they were before us */
    json_t *records;  /* every durable record, oldest first */
    json_t *index;    /* "kind\0name" → true: what has its record already */
    json_t *pending;  /* records of the batch that is being made */
    json_t *undone;   /* what the records were before undo: kept for who has borrowed from them */
    pthread_mutex_t mutex;
};

/* Reads the records; cuts a torn tail off. Caller: ledger_open. */
int ledger_file_load(struct ledger *l, struct error *err);
/* Makes the pending records durable with one write and one fsync. On failure the file is as it was
 * and the pending records are forgotten. The mutex is held. */
int ledger_file_commit(struct ledger *l, struct error *err);
/* Empties the file and the former contents. The mutex is held. */
int ledger_file_empty(struct ledger *l, struct error *err);
/* Remembers a record in the index. */
void ledger_index_add(struct ledger *l, const json_t *record);
void ledger_forget_pending(struct ledger *l);

/* A batch of one, unless there is a record of that kind and name. members is taken over. Locks. */
int ledger_record_once(struct ledger *l, const char *kind, const char *name, json_t *members,
                       struct error *err);
bool ledger_has_record(const struct ledger *l, const char *kind, const char *name);

/* One line of the file, with its newline; the caller frees. */
char *ledger_format_line(const json_t *record);
/* The record of a line without its newline, or NULL when it is torn or corrupt. */
json_t *ledger_parse_line(const char *line, size_t len);
