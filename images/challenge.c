#include "images/challenge.h"

#include "lib/strbuf.h"

#include <string.h>
#include <strings.h>

#define VALUE_MAX 4096

static const char token_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";

void challenge_release(struct challenge *c)
{
    free(c->realm);
    free(c->service);
    free(c->scope);
    *c = (struct challenge){0};
}

static void skip_blanks(const char **p)
{
    *p += strspn(*p, " \t,");
}

static char *take_token(const char **p)
{
    size_t len = strspn(*p, token_characters);
    char *token = xstrndup(*p, len);
    *p += len;
    return token;
}

/* A token, or a quoted string with backslashes. NULL when it does not end. */
static char *take_value(const char **p)
{
    if (**p != '"')
        return take_token(p);
    STRBUF(value, VALUE_MAX);
    for ((*p)++; **p && **p != '"'; (*p)++) {
        if (**p == '\\' && (*p)[1])
            (*p)++;
        strbuf_addc(&value, **p);
    }
    if (**p != '"' || strbuf_full(&value))
        return NULL;
    (*p)++;
    return strbuf_steal(&value);
}

static void set_parameter(struct challenge *c, const char *name, char *value)
{
    char **where = strcasecmp(name, "realm") == 0     ? &c->realm
                   : strcasecmp(name, "service") == 0 ? &c->service
                   : strcasecmp(name, "scope") == 0   ? &c->scope
                                                      : NULL;
    if (!where || *where) {
        free(value);
        return;
    }
    *where = value;
}

/* The name of a parameter is followed by "=", that of a scheme is not. */
void challenge_parse(const char *header, struct challenge *out)
{
    bool in_bearer = false;
    const char *p = header;
    for (skip_blanks(&p); *p; skip_blanks(&p)) {
        AUTO_FREE char *word = take_token(&p);
        if (!*word)
            return;
        const char *next = p + strspn(p, " \t");
        if (*next != '=') {
            in_bearer = strcasecmp(word, "bearer") == 0 && !out->bearer;
            out->bearer |= in_bearer;
            out->basic |= strcasecmp(word, "basic") == 0;
            continue;
        }
        p = next + 1;
        p += strspn(p, " \t");
        char *value = take_value(&p);
        if (!value)
            return;
        if (in_bearer)
            set_parameter(out, word, value);
        else
            free(value);
    }
}
