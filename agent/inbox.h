/* Work that other threads hand to the service's thread, so that sessions have one owner and need no
 * locks. */
#pragma once

#include <stdbool.h>

struct inbox;
struct inbox *inbox_new(void);
void inbox_free(struct inbox **in); /* runs what is left, so that nothing leaks */
/* Readable (poll) as long as there is work. */
int inbox_fd(const struct inbox *in);
/* Any thread: fn(arg) will be called by inbox_run, in order. arg's ownership goes with it. */
void inbox_post(struct inbox *in, void (*fn)(void *arg), void *arg);
/* The owner's thread: calls everything that was posted so far. */
void inbox_run(struct inbox *in);
bool inbox_empty(struct inbox *in);
