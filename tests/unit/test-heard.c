#include "tests/unit/unit.h"

#include "iso/heard.h"
#include "lib/strbuf.h"

#define KEY "SHA256:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
#define LINE(name, address, texts) \
    "=;eth0;IPv4;" name ";_bigtop-host._tcp;local;" name ".local;" address ";22;" texts "\n"

static void test_one(void **state)
{
    (void) state;
    AUTO_ISO_HEARD l = {0};
    iso_heard_parse("+;eth0;IPv4;db;_bigtop-host._tcp;local\n" LINE(
                        "db", "10.0.0.7",
                        "\"image=0123456789abcdef\" \"key=" KEY "\" \"serial=S 1\" "
                        "\"mac2=52:54:00:00:00:03\" \"mac=52:54:00:00:00:0A,52:54:00:00:00:02\""),
                    &l);
    assert_int_equal(l.count, 1);
    assert_false(l.cut);
    const struct iso_heard *h = &l.items[0];
    AUTO_FREE char *macs = strv_join(&h->macs, " ");
    STRBUF(words, 1024);
    assert_string_equal(h->name, "db");
    assert_string_equal(h->address, "10.0.0.7");
    assert_int_equal(h->port, 22);
    assert_string_equal(h->serial, "S 1");
    assert_string_equal(h->fingerprint, KEY);
    assert_string_equal(h->image, "0123456789abcdef");
    assert_string_equal(macs, "52:54:00:00:00:03 52:54:00:00:00:0a 52:54:00:00:00:02");
    iso_heard_words(h, &words);
    assert_string_equal(words.data, "52:54:00:00:00:03 52:54:00:00:00:0a 52:54:00:00:00:02, serial "
                                    "S 1, 10.0.0.7");
}

/* Both of our cards hear it; the others are two machines. */
static void test_heard_twice(void **state)
{
    (void) state;
    AUTO_ISO_HEARD l = {0};
    iso_heard_parse(LINE("db", "10.0.0.7", "") LINE("db", "10.0.0.7", "") LINE("db", "10.0.0.8", "")
                        LINE("db-2", "10.0.0.7", ""),
                    &l);
    assert_int_equal(l.count, 3);
}

static void test_lines_that_are_none(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        "\n\n",
        "=",
        "=;;;;;;;;",
        "=;eth0;IPv4;db;t;local;db.local;10.0.0.7",
        "=;eth0;IPv6;db;t;local;db.local;fe80::1;22;",
        "=;eth0;IPv4;db;t;local;db.local;fe80::1;22;",
        "=;eth0;IPv4;db;t;local;db.local;;22;",
        "=;eth0;IPv4;db;t;local;db.local;$(id);22;",
        "=;eth0;IPv4;db;t;local;db.local;127.0.0.1;22;",
        "=;eth0;IPv4;db;t;local;db.local;0.0.0.0;22;",
        "=;eth0;IPv4;db;t;local;db.local;224.0.0.251;22;",
        "=;eth0;IPv4;db;t;local;db.local;255.255.255.255;22;",
        "=;eth0;IPv4;db;t;local;db.local;10.0.0.7;0;",
        "=;eth0;IPv4;db;t;local;db.local;10.0.0.7;65536;",
        "=;eth0;IPv4;db;t;local;db.local;10.0.0.7;-22;",
        "=;eth0;IPv4;db;t;local;db.local;10.0.0.7;99999999999999999999;"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_ISO_HEARD l = {0};
        iso_heard_parse(bad[i], &l);
        if (l.count)
            fail_msg("taken: %s", bad[i]);
    }
}

static void expect_nothing_said(const char *texts)
{
    AUTO_ISO_HEARD l = {0};
    AUTO_FREE char *line = xasprintf(LINE("db", "10.0.0.7", "%s"), texts);
    iso_heard_parse(line, &l);
    assert_int_equal(l.count, 1);
    const struct iso_heard *h = &l.items[0];
    if (h->serial[0] || h->fingerprint[0] || h->image[0] || h->macs.count)
        fail_msg("taken: %s", texts);
}

static void test_texts_that_are_none(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "\"",
        "\"serial=",
        "\"serial=a\\",
        "\"serial\"",
        "\"serial=\"",
        "\"serial=a\\027[2J\"",
        "\"serial=a\\000b\"",
        "\"serial=a\\010b\"",
        "\"serial=\\195\\164\"",
        "\"key=SHA256:abc\"",
        "\"key=SHA256:\\027bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ\"",
        "\"image=$(id)\"",
        "\"mac=01:00:5e:00:00:01\"",
        "\"mac=,,,52:54\"",
        "\"mac=52:54:00:00:00:0\\027\"",
        "serial=S1 mac=52:54:00:00:00:01"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        expect_nothing_said(bad[i]);
}

/* What ends a text is not in it, and the first of two counts. */
static void test_quotes(void **state)
{
    (void) state;
    AUTO_ISO_HEARD l = {0};
    iso_heard_parse(LINE("db", "10.0.0.7", "\"x=\\\" \\\"serial=F\" \"serial=S1\" \"serial=S2\""),
                    &l);
    assert_string_equal(l.items[0].serial, "S1");
}

static void test_name_is_printable(void **state)
{
    (void) state;
    AUTO_ISO_HEARD l = {0};
    STRBUF(line, 4096);
    strbuf_adds(&line, "=;eth0;IPv4;a\033[2Jb");
    for (size_t i = 0; i < 500; i++)
        strbuf_addc(&line, 'x');
    strbuf_adds(&line, ";t;local;db.local;10.0.0.7;22;\n");
    iso_heard_parse(line.data, &l);
    assert_int_equal(l.count, 1);
    assert_null(strchr(l.items[0].name, '\033'));
    assert_true(strlen(l.items[0].name) < 64);
}

static void test_bounded(void **state)
{
    (void) state;
    AUTO_ISO_HEARD l = {0};
    STRBUF(text, 4 * 1024 * 1024);
    for (unsigned i = 0; i <= ISO_HEARD_MAX; i++)
        strbuf_addf(&text, LINE("n%u", "10.1.%u.%u", "\"serial=S%u\""), i, i, i / 250, i % 250 + 1,
                    i);
    iso_heard_parse(text.data, &l);
    assert_int_equal(l.count, ISO_HEARD_MAX);
    assert_true(l.cut);
    AUTO_ISO_HEARD one = {0};
    strbuf_reset(&text);
    strbuf_adds(&text, "=;eth0;IPv4;db;t;local;db.local;10.0.0.7;22;");
    for (unsigned i = 0; i < 1000; i++)
        strbuf_addf(&text, "\"mac%u=52:54:00:00:%02x:%02x\" ", i, i / 256, i % 256);
    iso_heard_parse(text.data, &one);
    assert_int_equal(one.items[0].macs.count, ISO_HEARD_MACS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_heard_twice),
        cmocka_unit_test(test_lines_that_are_none),
        cmocka_unit_test(test_texts_that_are_none),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_name_is_printable),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
