#include "agent/tasks.h"

#include "lib/strbuf.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define TASK_STACK (1024 * 1024) /* bytes of address space; memory only where it is used */

static pthread_mutex_t tasks_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t tasks_changed = PTHREAD_COND_INITIALIZER;
static unsigned tasks_running;

struct task {
    void (*fn)(void *arg);
    void *arg;
};

static void count_tasks(int by)
{
    pthread_mutex_lock(&tasks_mutex);
    tasks_running += (unsigned) by;
    pthread_cond_broadcast(&tasks_changed);
    pthread_mutex_unlock(&tasks_mutex);
}

static void *task_main(void *arg)
{
    struct task task = *(struct task *) arg;
    free(arg);
    task.fn(task.arg);
    count_tasks(-1);
    return NULL;
}

int task_start(void (*fn)(void *arg), void *arg)
{
    struct task *task = xcalloc(1, sizeof *task);
    *task = (struct task){.fn = fn, .arg = arg};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, TASK_STACK);
    pthread_t thread;
    count_tasks(1);
    int r = pthread_create(&thread, &attributes, task_main, task);
    pthread_attr_destroy(&attributes);
    if (r == 0)
        return 0;
    count_tasks(-1);
    free(task);
    return -r;
}

bool tasks_wait(int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    pthread_mutex_lock(&tasks_mutex);
    while (tasks_running > 0 && pthread_cond_clockwait(&tasks_changed, &tasks_mutex,
                                                       CLOCK_MONOTONIC, &until) != ETIMEDOUT)
        continue;
    bool all = tasks_running == 0;
    pthread_mutex_unlock(&tasks_mutex);
    return all;
}
