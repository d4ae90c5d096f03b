#include "images/maven.h"
#include "tests/unit/unit.h"

static void reads_coordinates(void **state)
{
    (void) state;
    static const struct {
        const char *text, *folder, *file;
    } cases[] = {
        {"org.apache.zookeeper:zookeeper:3.9.5", "org/apache/zookeeper/zookeeper/3.9.5",
         "zookeeper-3.9.5.jar"},
        {"io.trino:trino-server:476@tar.gz", "io/trino/trino-server/476",
         "trino-server-476.tar.gz"},
        {"a:b:1.0-rc1+x:bin@tar.gz", "a/b/1.0-rc1+x", "b-1.0-rc1+x-bin.tar.gz"},
        {"io.netty:netty-t:4.1.130.Final:linux-x86_64", "io/netty/netty-t/4.1.130.Final",
         "netty-t-4.1.130.Final-linux-x86_64.jar"},
        {"a:b:1:c.d@zip", "a/b/1", "b-1-c.d.zip"},
        {"a:b:1@pom", "a/b/1", "b-1.pom"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_COORDINATE c = {0};
        AUTO_COORDINATE again = {0};
        assert_true(maven_coordinate_parse(cases[i].text, &c));
        AUTO_FREE char *text = maven_coordinate_text(&c);
        AUTO_FREE char *folder = maven_folder(&c);
        AUTO_FREE char *file = maven_file_name(&c);
        assert_string_equal(text, cases[i].text);
        assert_string_equal(folder, cases[i].folder);
        assert_string_equal(file, cases[i].file);
        AUTO_FREE char *path = xasprintf("%s/%s", folder, file);
        assert_true(maven_coordinate_of_path(path, &again));
        AUTO_FREE char *back = maven_coordinate_text(&again);
        assert_string_equal(back, cases[i].text);
    }
}

static void refuses_what_is_no_coordinate(void **state)
{
    (void) state;
    static const char *const cases[] = {
        "",
        "a",
        "a:b",
        "a:b:",
        ":a:b:1",
        "a::b:1",
        "a:b:1:c:d",
        "a:b:1@",
        "a:b:1@a@b",
        "a:b:[1,2)",
        "a:b:LATEST",
        "a:b:RELEASE",
        "a:b:1-SNAPSHOT",
        "a:b:1 ",
        "a:b:1<x/>",
        "../x:b:1",
        "a/b:c:1",
        "-a:b:1",
        "a:b:$(id)",
        "a..b:c:1",
        "a.:b:1",
        "a:b:..",
        "a:b:1\n",
        "a:b:1:../x",
        "a:b:1@../x",
        "a:b:${v}",
        "a:b:1&amp;",
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_COORDINATE c = {0};
        if (maven_coordinate_parse(cases[i], &c))
            fail_msg("\"%s\" was taken", cases[i]);
        assert_null(c.group);
    }
    AUTO_FREE char *longest = xcalloc(1, MAVEN_NAME_MAX + 8);
    memset(longest, 'a', MAVEN_NAME_MAX + 1);
    memcpy(longest + MAVEN_NAME_MAX + 1, ":b:1", 5);
    AUTO_COORDINATE c = {0};
    assert_false(maven_coordinate_parse(longest, &c));
    assert_true(maven_coordinate_parse(longest + 1, &c));
}

/* What Maven writes beside the files is not one of them. */
static void skips_other_files(void **state)
{
    (void) state;
    static const char *const cases[] = {
        "a/b/1/_remote.repositories",
        "a/b/maven-metadata-local.xml",
        "a/b/1/b-2.jar",
        "a/b/1/b-1",
        "b/1/b-1.jar",
        "a/b/1/b-1.",
        "a/b/1/b-1x.jar",
        "a/b/1/b-1-.jar",
        "a/b/1/b-1.x.jar",
        "a/b/1-SNAPSHOT/b-1-SNAPSHOT.jar",
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_COORDINATE c = {0};
        if (maven_coordinate_of_path(cases[i], &c))
            fail_msg("\"%s\" was taken", cases[i]);
    }
}

static void judges_exclusions_and_repositories(void **state)
{
    (void) state;
    assert_true(maven_is_exclusion("*:*"));
    assert_true(maven_is_exclusion("io.netty:*"));
    assert_true(maven_is_exclusion("a:b"));
    assert_false(maven_is_exclusion("a"));
    assert_false(maven_is_exclusion("a:b:1"));
    assert_false(maven_is_exclusion("a*:b"));
    assert_false(maven_is_exclusion("a:</exclusion>"));
    assert_true(maven_is_repository("https://repo.example.org:8443/maven2/"));
    assert_false(maven_is_repository("http://repo.example.org/"));
    assert_false(maven_is_repository("https://"));
    assert_false(maven_is_repository("https://a/<url>"));
    assert_false(maven_is_repository("file:///etc"));
}

static void writes_the_project(void **state)
{
    (void) state;
    STRV(coordinates);
    STRV(exclusions);
    STRBUF(text, 4096);
    strv_add(&coordinates, "a.b:c:1");
    strv_add(&coordinates, "d:e:2:f@tar.gz");
    strv_add(&exclusions, "x.y:*");
    maven_project(&coordinates, &exclusions, "https://r/", &text);
    assert_string_equal(
        text.data,
        "<project>\n"
        "  <modelVersion>4.0.0</modelVersion>\n"
        "  <groupId>bigtop</groupId><artifactId>request</artifactId>\n"
        "  <version>1</version><packaging>pom</packaging>\n"
        "  <repositories><repository><id>central</id><url>https://r/</url></repository>"
        "</repositories>\n"
        "  <dependencies>\n"
        "    <dependency>\n"
        "      <groupId>a.b</groupId><artifactId>c</artifactId><version>1</version>"
        "<type>jar</type>\n"
        "      <exclusions>\n"
        "        <exclusion><groupId>x.y</groupId><artifactId>*</artifactId></exclusion>\n"
        "      </exclusions>\n"
        "    </dependency>\n"
        "    <dependency>\n"
        "      <groupId>d</groupId><artifactId>e</artifactId><version>2</version>"
        "<type>tar.gz</type>\n"
        "      <classifier>f</classifier>\n"
        "      <exclusions>\n"
        "        <exclusion><groupId>x.y</groupId><artifactId>*</artifactId></exclusion>\n"
        "      </exclusions>\n"
        "    </dependency>\n"
        "  </dependencies>\n</project>\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_coordinates),  cmocka_unit_test(refuses_what_is_no_coordinate),
        cmocka_unit_test(skips_other_files),  cmocka_unit_test(judges_exclusions_and_repositories),
        cmocka_unit_test(writes_the_project),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
