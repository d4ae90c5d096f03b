#include "coordinator/options.h"

#include "coordinator/suggest.h"
#include "coordinator/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENT_SHOWN_MAX 256

struct parser {
    const struct option_spec *specs;
    char **argv;
    int argc, at;
    void *values;
    uint64_t seen; /* bit i: specs[i] was given; no table is longer than 64 */
};

static int wrong_value(const struct option_spec *o, const char *value, const char *expected,
                       struct error *err)
{
    STRBUF(shown, ARGUMENT_SHOWN_MAX);
    strbuf_add_printable(&shown, value, strlen(value));
    return error_set(err, -EINVAL, "--%s is '%s', expected %s", o->name, shown.data, expected);
}

static int unknown(const struct parser *p, const char *argument, struct error *err)
{
    const char *bare = argument + strspn(argument, "-");
    AUTO_FREE char *word = xstrndup(bare, strcspn(bare, "="));
    struct suggestion near;
    suggest_start(&near, word);
    for (const struct option_spec *o = p->specs; o && o->name; o++)
        suggest_offer(&near, o->name);
    STRBUF(shown, ARGUMENT_SHOWN_MAX);
    strbuf_add_printable(&shown, argument, strcspn(argument, "="));
    if (!near.word)
        return error_set(err, -EINVAL, "unknown option %s", shown.data);
    return error_set(err, -EINVAL, "unknown option %s, did you mean --%s?", shown.data, near.word);
}

static const struct option_spec *find_long(const struct parser *p, const char *name, size_t len)
{
    for (const struct option_spec *o = p->specs; o && o->name; o++)
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

static const struct option_spec *find_short(const struct parser *p, char letter)
{
    for (const struct option_spec *o = p->specs; o && o->name; o++)
        if (o->letter && o->letter == letter)
            return o;
    return NULL;
}

static int store_number(const struct option_spec *o, const char *value, int64_t *out,
                        struct error *err)
{
    errno = 0;
    long long number = strtoll(value, NULL, 10);
    if (errno || value[strspn(value, "0123456789")] != '\0')
        return wrong_value(o, value, "a number", err);
    *out = number;
    return 0;
}

static int store_choice(const struct option_spec *o, const char *value, int *out, struct error *err)
{
    int index = words_index(o->value, value);
    STRBUF(choices, ARGUMENT_SHOWN_MAX);
    words_phrase(o->value, &choices);
    if (index < 0)
        return wrong_value(o, value, choices.data, err);
    *out = index;
    return 0;
}

static int store(struct parser *p, const struct option_spec *o, const char *value,
                 struct error *err)
{
    void *target = (char *) p->values + o->offset;
    uint64_t bit = UINT64_C(1) << (o - p->specs);
    if ((p->seen & bit) && o->kind != OPTION_LIST && o->kind != OPTION_FLAG)
        return error_set(err, -EINVAL, "--%s is given twice", o->name);
    p->seen |= bit;
    if (o->kind != OPTION_FLAG && value[0] == '\0')
        return error_set(err, -EINVAL, "--%s is empty, expected %s", o->name, o->value);
    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *) target = true;
        return 0;
    case OPTION_TEXT:
        *(const char **) target = value;
        return 0;
    case OPTION_LIST:
        strv_add(target, value);
        return 0;
    case OPTION_NUMBER:
        return store_number(o, value, target, err);
    case OPTION_CHOICE:
        return store_choice(o, value, target, err);
    }
    return error_set(err, -EINVAL, "--%s is of no kind", o->name);
}

/* attached: the text after "=" or after the letter; NULL: the value is the next argument. */
static int take(struct parser *p, const struct option_spec *o, const char *attached,
                struct error *err)
{
    if (o->kind == OPTION_FLAG)
        return attached ? error_set(err, -EINVAL, "--%s takes no value", o->name)
                        : store(p, o, NULL, err);
    if (attached)
        return store(p, o, attached, err);
    if (p->at >= p->argc)
        return error_set(err, -EINVAL, "--%s needs a value: %s", o->name, o->value);
    return store(p, o, p->argv[p->at++], err);
}

static int take_long(struct parser *p, const char *argument, struct error *err)
{
    const char *name = argument + 2;
    size_t len = strcspn(name, "=");
    const struct option_spec *o = find_long(p, name, len);
    if (!o)
        return unknown(p, argument, err);
    return take(p, o, name[len] == '=' ? name + len + 1 : NULL, err);
}

/* "-abVALUE": flags may share a dash, the last may have a value. */
static int take_short(struct parser *p, const char *argument, struct error *err)
{
    for (const char *letter = argument + 1; *letter; letter++) {
        const struct option_spec *o = find_short(p, *letter);
        if (!o)
            return unknown(p, argument, err);
        if (o->kind != OPTION_FLAG)
            return take(p, o, letter[1] ? letter + 1 : NULL, err);
        int r = store(p, o, NULL, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int options_parse(const struct option_spec *specs, int argc, char **argv, void *values,
                  struct strv *positionals, struct error *err)
{
    struct parser p = {.specs = specs, .argv = argv, .argc = argc, .values = values};
    bool only_positionals = false;
    while (p.at < argc) {
        const char *argument = argv[p.at++];
        int r = 0;
        if (only_positionals || argument[0] != '-' || argument[1] == '\0')
            strv_add(positionals, argument);
        else if (strcmp(argument, "--") == 0)
            only_positionals = true;
        else if (argument[1] == '-')
            r = take_long(&p, argument, err);
        else
            r = take_short(&p, argument, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* "  -b, --bundle DIR" */
static void help_left(const struct option_spec *o, struct strbuf *out)
{
    if (o->letter)
        strbuf_addf(out, "  -%c, --%s", o->letter, o->name);
    else
        strbuf_addf(out, "      --%s", o->name);
    if (o->value)
        strbuf_addf(out, " %s", o->value);
}

#define HELP_LEFT_MAX 30 /* longer left halves get a line of their own */

void options_help(const struct option_spec *specs, struct strbuf *out)
{
    size_t widest = 0;
    for (const struct option_spec *o = specs; o && o->name; o++) {
        STRBUF(left, 256);
        help_left(o, &left);
        if (left.len > widest && left.len <= HELP_LEFT_MAX)
            widest = left.len;
    }
    for (const struct option_spec *o = specs; o && o->name; o++) {
        STRBUF(left, 256);
        help_left(o, &left);
        if (left.len > HELP_LEFT_MAX)
            strbuf_addf(out, "%s\n%*s  %s\n", left.data, (int) widest, "", o->help);
        else
            strbuf_addf(out, "%-*s  %s\n", (int) widest, left.data, o->help);
    }
}
