#include "lib/locale.h"

#include <pthread.h>

static locale_t utf8;

static void make(void)
{
    utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
}

locale_t locale_enter_utf8(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make);
    /* glibc has C.UTF-8 built in since 2.35; without it the thread stays as it was. */
    return uselocale(utf8 ? utf8 : (locale_t) 0);
}

void locale_leave(const locale_t *former)
{
    uselocale(*former);
}
