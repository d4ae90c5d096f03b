#include "images/licence.h"

#include "lib/strbuf.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define TITLE_LENGTH 600 /* the GNU licences name each other further down */

static bool starts_with(const char *name, const char *const *list)
{
    for (; *list; list++) {
        size_t len = strlen(*list);
        if (strncasecmp(name, *list, len) == 0 && !isalnum((unsigned char) name[len]))
            return true;
    }
    return false;
}

static const char *const terms[] = {"license",   "licence",   "licenses", "licences", "copying",
                                    "copyright", "unlicense", "lgpl",     "gpl",      NULL};
static const char *const others[] = {"notice", "notices", "patents", "authors", NULL};

static bool is_program(const char *name)
{
    static const char *const endings[] = {".go", ".c",    ".h",    ".py",    ".js",  ".ts",
                                          ".sh", ".json", ".yaml", ".yml",   ".xml", ".java",
                                          ".rs", ".tmpl", ".html", ".class", ".pyc", ".proto"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < ARRAY_SIZE(endings); i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

bool licence_is_terms(const char *name)
{
    return starts_with(name, terms) && !is_program(name);
}

bool licence_is_file_name(const char *name)
{
    return licence_is_terms(name) || (starts_with(name, others) && !is_program(name));
}

/* Texts */

/* Lower case, one blank for any run of what is neither letter, digit, dot nor slash. */
static char *plain(const char *text, size_t len)
{
    STRBUF(out, LICENCE_TEXT_MAX);
    bool gap = false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) text[i];
        if (isalnum(c) || c == '.' || c == '/') {
            if (gap && out.len)
                strbuf_addc(&out, ' ');
            strbuf_addc(&out, (char) tolower(c));
        }
        gap = !(isalnum(c) || c == '.' || c == '/');
    }
    return strbuf_steal(&out);
}

struct mark {
    const char *id;
    const char *has[2]; /* both; the second may be NULL */
    const char *lacks;  /* may be NULL */
    bool title;         /* looked for at the beginning only */
};

static const struct mark marks[] = {
    {"AGPL-3.0-only", {"gnu affero general public license", "version 3"}, NULL, true},
    {"LGPL-3.0-only", {"gnu lesser general public license", "version 3"}, NULL, true},
    {"LGPL-2.1-only", {"gnu lesser general public license", "version 2.1"}, NULL, true},
    {"LGPL-2.0-only", {"gnu library general public license", "version 2"}, NULL, true},
    {"GPL-3.0-only", {"gnu general public license version 3", NULL}, NULL, true},
    {"GPL-2.0-only", {"gnu general public license version 2", NULL}, NULL, true},
    {"MPL-2.0", {"mozilla public license version 2.0", NULL}, NULL, true},
    {"MPL-2.0", {"mozilla public license v. 2.0", NULL}, NULL, true},
    {"EPL-2.0", {"eclipse public license v 2.0", NULL}, NULL, true},
    {"EPL-1.0", {"eclipse public license v 1.0", NULL}, NULL, true},
    {"CDDL-1.1", {"common development and distribution license", "version 1.1"}, NULL, true},
    {"CC0-1.0", {"cc0 1.0 universal", NULL}, NULL, true},
    {"Apache-2.0", {"apache license version 2.0", NULL}, NULL, false},
    {"MIT",
     {"permission is hereby granted free of charge to any person obtaining a copy", NULL},
     NULL,
     false},
    {"BSD-3-Clause",
     {"redistribution and use in source and binary forms", "to endorse or promote"},
     NULL,
     false},
    {"BSD-2-Clause",
     {"redistribution and use in source and binary forms", NULL},
     "to endorse or promote",
     false},
    {"ISC",
     {"permission to use copy modify and/or distribute this software for", NULL},
     NULL,
     false},
    {"ISC", {"permission to use copy modify and distribute this software for", NULL}, NULL, false},
    {"Unlicense", {"this is free and unencumbered software", NULL}, NULL, false},
    {"PSF-2.0", {"python software foundation license version 2", NULL}, NULL, false},
};

static bool is_marked(const struct mark *m, const char *whole, const char *title)
{
    const char *text = m->title ? title : whole;
    return strstr(text, m->has[0]) && (!m->has[1] || strstr(text, m->has[1])) &&
           !(m->lacks && strstr(text, m->lacks));
}

void licence_guess(const char *text, size_t len, struct strv *ids)
{
    AUTO_FREE char *whole = plain(text, len);
    AUTO_FREE char *title = xstrndup(whole, TITLE_LENGTH);
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
        if (is_marked(&marks[i], whole, title) && !strv_contains(ids, marks[i].id))
            strv_add(ids, marks[i].id);
}

char *licence_expression(const struct strv *ids)
{
    STRV(sorted);
    for (size_t i = 0; i < ids->count; i++)
        if (!strv_contains(&sorted, ids->items[i]))
            strv_add(&sorted, ids->items[i]);
    strv_sort(&sorted);
    return sorted.count ? strv_join(&sorted, " AND ") : NULL;
}

bool licence_wants_source(const char *expression)
{
    static const char *const ids[] = {"GPL-", "MPL-", "EPL-", "CDDL-"};
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        if (strstr(expression, ids[i]))
            return true;
    return false;
}
