#include "images/licence.h"
#include "tests/unit/unit.h"

static void tells_licence_files(void **state)
{
    (void) state;
    static const struct {
        const char *name;
        bool text, terms;
    } cases[] = {
        {"LICENSE", true, true},         {"LICENSE.txt", true, true},
        {"LICENSE-APACHE", true, true},  {"license.md", true, true},
        {"LICENCE", true, true},         {"COPYING.LESSER", true, true},
        {"UNLICENSE", true, true},       {"copyright", true, true},
        {"NOTICE", true, false},         {"NOTICE.txt", true, false},
        {"PATENTS", true, false},        {"AUTHORS", true, false},
        {"license.go", false, false},    {"license_test.go", false, false},
        {"LICENSED", false, false},      {"README", false, false},
        {"licenses.json", false, false}, {"notices.html", false, false},
        {"MY-LICENSE", false, false},    {"", false, false},
        {"License.class", false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (licence_is_file_name(cases[i].name) != cases[i].text ||
            licence_is_terms(cases[i].name) != cases[i].terms)
            fail_msg("\"%s\" is judged wrongly", cases[i].name);
}

static char *guess(const char *text)
{
    STRV(ids);
    licence_guess(text, strlen(text), &ids);
    return licence_expression(&ids);
}

#define MIT "Permission is hereby granted, free of charge, to any person\n obtaining a copy of"
#define BSD2 "Redistribution and use in source and binary forms, with or without modification"
#define APACHE "                     Apache License\n        Version 2.0, January 2004\n"

static void guesses_from_texts(void **state)
{
    (void) state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {MIT, "MIT"},
        {APACHE, "Apache-2.0"},
        {"Licensed under the Apache License, Version 2.0 (the \"License\")", "Apache-2.0"},
        {BSD2, "BSD-2-Clause"},
        {BSD2 " may be used to endorse or promote products", "BSD-3-Clause"},
        {"Permission to use, copy, modify, and/or distribute this software for any", "ISC"},
        {"GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3, 19 November 2007", "AGPL-3.0-only"},
        {"GNU GENERAL PUBLIC LICENSE\n   Version 2, June 1991", "GPL-2.0-only"},
        {"GNU LESSER GENERAL PUBLIC LICENSE\n Version 2.1, February 1999", "LGPL-2.1-only"},
        {"Mozilla Public License Version 2.0\n====", "MPL-2.0"},
        {"Mozilla Public License, version 2.0", "MPL-2.0"},
        {"the terms of the Mozilla Public License, v. 2.0.", "MPL-2.0"},
        {MIT "\n----\n" APACHE, "Apache-2.0 AND MIT"},
        {"All rights reserved.", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *found = guess(cases[i].text);
        if (!found != !cases[i].expected || (found && strcmp(found, cases[i].expected) != 0))
            fail_msg("\"%s\" is %s", cases[i].text, found ? found : "nothing");
    }
}

/* GPL 3 names the AGPL in its section 13, which does not put anything under the AGPL. */
static void looks_at_the_title_of_gnu_licences(void **state)
{
    (void) state;
    STRBUF(text, 65536);
    strbuf_adds(&text, "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n");
    for (int i = 0; i < 100; i++)
        strbuf_adds(&text, "the terms and conditions of copying ");
    strbuf_adds(&text, "under version 3 of the GNU Affero General Public License");
    AUTO_FREE char *found = guess(text.data);
    assert_string_equal(found, "GPL-3.0-only");
}

static void survives_any_bytes(void **state)
{
    (void) state;
    static const char bytes[] = {(char) 0xff, 0, 'M', 'I', (char) 0x80, '\n', 0};
    STRV(ids);
    licence_guess(bytes, sizeof(bytes), &ids);
    assert_int_equal(ids.count, 0);
}

static void knows_duties(void **state)
{
    (void) state;
    assert_true(licence_wants_source("AGPL-3.0-only"));
    assert_true(licence_wants_source("Apache-2.0 AND LGPL-2.1-only"));
    assert_true(licence_wants_source("MPL-2.0"));
    assert_false(licence_wants_source("Apache-2.0 AND MIT"));
    assert_false(licence_wants_source(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_licence_files),
        cmocka_unit_test(guesses_from_texts),
        cmocka_unit_test(looks_at_the_title_of_gnu_licences),
        cmocka_unit_test(survives_any_bytes),
        cmocka_unit_test(knows_duties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
