/* Short-lived threads for calls that may block, counted so that the service can wait for them. */
#pragma once

#include <stdbool.h>

/* Runs fn(arg) in a thread of its own; -errno when there is no thread (arg stays the caller's). */
int task_start(void (*fn)(void *arg), void *arg);
/* False: some were still running when the time was over. */
bool tasks_wait(int timeout_ms);
