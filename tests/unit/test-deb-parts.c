#include "images/deb-parts.h"
#include "lib/fd.h"
#include "tests/unit/unit.h"

#include <unistd.h>

static const char copyright[] =
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
    "Files: *\n"
    "License: GPL-2+\n"
    " On Debian systems, the full text is in /usr/share/common-licenses/GPL-2.\n"
    "\n"
    "License: Expat\n"
    "License:GPL-2+\n"
    " see `/usr/share/common-licenses/LGPL-2.1' and /usr/share/common-licenses/../../etc/shadow\n";

static void put(const char *dir, const char *path, const char *text)
{
    AUTO_FREE char *full = path_join(dir, path);
    AUTO_FREE char *parent = path_dirname(full);
    assert_int_equal(path_mkdir_p(parent, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(full, text, strlen(text), 0644, NULL), 0);
}

static void read_back(const char *dir, const char *path, struct strbuf *out)
{
    AUTO_FREE char *full = path_join(dir, path);
    strbuf_reset(out);
    if (file_read(full, out, NULL) < 0)
        fail_msg("%s is missing", full);
}

static void reads_copyright_files(void **state)
{
    (void) state;
    STRV(names);
    AUTO_FREE char *named = deb_parts_named(copyright);
    AUTO_FREE char *nothing = deb_parts_named("no licence at all");
    deb_parts_common(copyright, &names);
    assert_string_equal(named, "Expat, GPL-2, GPL-2+, LGPL-2.1");
    assert_string_equal(nothing, "");
    assert_int_equal(names.count, 2);
    assert_string_equal(names.items[0], "GPL-2");
    assert_string_equal(names.items[1], "LGPL-2.1");
}

static void takes_texts_of_packages(void **state)
{
    AUTO_FREE char *root = path_join(*state, "root");
    AUTO_FREE char *dir = path_join(*state, "texts");
    AUTO_FREE char *link = path_join(root, "usr/share/doc/libx1");
    AUTO_JSON *list = json_array();
    struct parts p = {.list = list, .dir = dir};
    STRBUF(text, 4096);
    struct error err = ERROR_INIT;
    put(root, "usr/share/doc/libx-base/copyright", copyright);
    put(root, "usr/share/common-licenses/GPL-2", "the text of the GPL");
    put(root, "usr/share/common-licenses/LGPL-2.1", "the text of the LGPL");
    assert_int_equal(symlink("libx-base", link), 0);
    const struct part part = {.name = "libx1", .version = "1:2-3"};
    if (deb_parts_add(&p, root, &part, "bookworm", &err) < 0)
        fail_msg("%s", err.text);
    read_back(dir, "debian/libx1_1:2-3/copyright", &text);
    assert_string_equal(text.data, copyright);
    read_back(dir, "debian/common-licenses/GPL-2", &text);
    assert_string_equal(text.data, "the text of the GPL");
    const json_t *found = json_array_get(list, 0);
    assert_string_equal(json_get_string(found, "purl", ""),
                        "pkg:deb/debian/libx1@1:2-3?distro=bookworm");
    assert_non_null(strstr(json_get_string(found, "comment", ""), "Expat, GPL-2, GPL-2+"));
}

/* A package's own link must not bring a file of this machine into the bundle. */
static void stays_in_the_root(void **state)
{
    AUTO_FREE char *root = path_join(*state, "root");
    AUTO_FREE char *dir = path_join(*state, "texts");
    AUTO_FREE char *secret = path_join(*state, "secret");
    AUTO_FREE char *link = path_join(root, "usr/share/doc/evil/copyright");
    AUTO_FREE char *taken = path_join(dir, "debian/evil_1/copyright");
    AUTO_JSON *list = json_array();
    struct parts p = {.list = list, .dir = dir};
    put(*state, "secret", "password");
    put(root, "usr/share/doc/evil/readme", "x");
    assert_int_equal(symlink(secret, link), 0);
    const struct part part = {.name = "evil", .version = "1"};
    assert_int_equal(deb_parts_add(&p, root, &part, "bookworm", NULL), 0);
    assert_int_equal(access(taken, F_OK), -1);
    assert_string_equal(json_get_string(json_array_get(list, 0), "comment", ""),
                        "its copyright file was left out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_copyright_files),
        cmocka_folder_test(takes_texts_of_packages),
        cmocka_folder_test(stays_in_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
