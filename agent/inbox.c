#include "agent/inbox.h"

#include "lib/fd.h"
#include "lib/strbuf.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct letter {
    void (*fn)(void *arg);
    void *arg;
    struct letter *next;
};

struct inbox {
    int fd;
    pthread_mutex_t mutex;
    struct letter *first, **last;
};

struct inbox *inbox_new(void)
{
    struct inbox *in = xcalloc(1, sizeof *in);
    in->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (in->fd < 0)
        abort();
    in->last = &in->first;
    pthread_mutex_init(&in->mutex, NULL);
    return in;
}

int inbox_fd(const struct inbox *in)
{
    return in->fd;
}

void inbox_post(struct inbox *in, void (*fn)(void *arg), void *arg)
{
    struct letter *letter = xcalloc(1, sizeof *letter);
    *letter = (struct letter){.fn = fn, .arg = arg};
    pthread_mutex_lock(&in->mutex);
    *in->last = letter;
    in->last = &letter->next;
    pthread_mutex_unlock(&in->mutex);
    eventfd_write(in->fd, 1);
}

static struct letter *take_all(struct inbox *in)
{
    pthread_mutex_lock(&in->mutex);
    struct letter *letters = in->first;
    in->first = NULL;
    in->last = &in->first;
    pthread_mutex_unlock(&in->mutex);
    return letters;
}

void inbox_run(struct inbox *in)
{
    eventfd_t count;
    eventfd_read(in->fd, &count);
    for (struct letter *letter = take_all(in), *next; letter; letter = next) {
        next = letter->next;
        letter->fn(letter->arg);
        free(letter);
    }
}

bool inbox_empty(struct inbox *in)
{
    pthread_mutex_lock(&in->mutex);
    bool empty = in->first == NULL;
    pthread_mutex_unlock(&in->mutex);
    return empty;
}

void inbox_free(struct inbox **in)
{
    if (!*in)
        return;
    inbox_run(*in);
    fd_close(&(*in)->fd);
    pthread_mutex_destroy(&(*in)->mutex);
    free(*in);
    *in = NULL;
}
