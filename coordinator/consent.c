#include "coordinator/consent.h"

#include "coordinator/tty.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 1024
#define QUESTION_MAX (64 * 1024)
#define ANSWER_MAX 300

static const struct {
    const char *option;
    bool is_assumed; /* where nobody can be asked: the command itself says that it is meant */
} kinds[CONSENT_KINDS] = {
    [CONSENT_RESET] = {"--yes", true},
    [CONSENT_REMOVAL] = {"--yes", false},
    [CONSENT_SLOW_DISKS] = {"--accept-slow-disks", false},
};

void consent_init(struct consent *c)
{
    *c = (struct consent){0};
    pthread_mutex_init(&c->mutex, NULL);
}

static void forget(struct consent *c)
{
    for (size_t i = 0; i < CONSENT_KINDS; i++)
        strv_release(&c->needed[i]);
}

void consent_release(struct consent *c)
{
    forget(c);
    pthread_mutex_destroy(&c->mutex);
}

void consent_need(struct consent *c, enum consent_kind kind, const char *format, ...)
{
    if (c->given[kind])
        return;
    STRBUF(text, TEXT_MAX);
    STRBUF(safe, TEXT_MAX);
    va_list args;
    va_start(args, format);
    strbuf_vaddf(&text, format, args);
    va_end(args);
    strbuf_add_printable(&safe, text.data, text.len);
    pthread_mutex_lock(&c->mutex);
    strv_add(&c->needed[kind], safe.data);
    pthread_mutex_unlock(&c->mutex);
}

void consent_take(struct consent *c, enum consent_kind kind, const char *label, struct strv *out)
{
    STRV(kept);
    AUTO_FREE char *prefix = xasprintf("%s: ", label);
    pthread_mutex_lock(&c->mutex);
    for (size_t i = 0; i < c->needed[kind].count; i++) {
        const char *text = c->needed[kind].items[i];
        bool taken = strncmp(text, prefix, strlen(prefix)) == 0;
        strv_add(taken ? out : &kept, taken ? text + strlen(prefix) : text);
    }
    strv_release(&c->needed[kind]);
    c->needed[kind] = kept;
    kept = STRV_INIT;
    pthread_mutex_unlock(&c->mutex);
}

void consent_list(struct consent *c, struct strv *out)
{
    pthread_mutex_lock(&c->mutex);
    for (size_t i = 0; i < CONSENT_KINDS; i++)
        for (size_t k = 0; k < c->needed[i].count; k++)
            strv_addf(out, "%s (%s agrees to it)", c->needed[i].items[k], kinds[i].option);
    pthread_mutex_unlock(&c->mutex);
}

static bool is_needed(const struct consent *c)
{
    for (size_t i = 0; i < CONSENT_KINDS; i++)
        if (c->needed[i].count > 0)
            return true;
    return false;
}

static bool is_assumed(const struct consent *c)
{
    for (size_t i = 0; i < CONSENT_KINDS; i++)
        if (c->needed[i].count > 0 && !kinds[i].is_assumed)
            return false;
    return true;
}

/* Somebody looks at this command, not only at the terminal that it was started from. */
static bool can_ask(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && tty_available();
}

static int refuse(const struct consent *c, const char *why, struct error *err)
{
    STRV(items);
    STRV(options);
    for (size_t i = 0; i < CONSENT_KINDS; i++) {
        strv_add_all(&items, (const char *const *) c->needed[i].items);
        if (c->needed[i].count > 0 && !strv_contains(&options, kinds[i].option))
            strv_add(&options, kinds[i].option);
    }
    AUTO_FREE char *list = strv_join(&items, "; ");
    AUTO_FREE char *words = strv_join(&options, " ");
    error_set(err, -EPERM, "%s: %s", why, list);
    return error_remedy(err, "the same command with %s agrees to it", words);
}

static void add_question(const struct consent *c, const char *word, struct strbuf *text)
{
    for (size_t i = 0; i < CONSENT_KINDS; i++)
        for (size_t k = 0; k < c->needed[i].count; k++)
            strbuf_addf(text, "%s\n", c->needed[i].items[k]);
    strbuf_addf(text, "Type \"%s\" to go on: ", word);
}

static int ask(const struct consent *c, const char *word, const bool *cancel, struct error *err)
{
    STRBUF(text, QUESTION_MAX);
    STRBUF(answer, ANSWER_MAX);
    add_question(c, word, &text);
    int r = tty_ask(text.data, false, cancel, &answer, err);
    if (r == -ECANCELED)
        return error_set(err, r, "interrupted");
    if (r < 0 && r != -EPIPE && r != -E2BIG)
        return r;
    return r == 0 && strcmp(answer.data, word) == 0 ? 0 : refuse(c, "not agreed to", err);
}

int consent_ask(struct consent *c, const char *word, const bool *cancel, struct error *err)
{
    int r = 0;
    pthread_mutex_lock(&c->mutex);
    if (is_needed(c) && can_ask())
        r = ask(c, word, cancel, err);
    else if (is_needed(c) && !is_assumed(c))
        r = refuse(c, "this needs consent, and there is nobody to ask", err);
    forget(c);
    pthread_mutex_unlock(&c->mutex);
    return r;
}
