#include "lib/fd.h"
#include "lib/yaml.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <time.h>

/* Sixteen times the input: sixteen times the work and some, never 256 times. */
#define GROWTH 16
#define GROWTH_MAX (4 * GROWTH)
#define TOO_SHORT_US 1000 /* to compare; a refusal near the beginning is */
#define HOSTILE_KIB (64 * 1024)
#define AUTO_YAML CLEANUP(yaml_release) struct yaml_file

static int parse(const char *text, struct yaml_file *out, struct error *err)
{
    return yaml_parse(text, strlen(text), "f.yaml", out, err);
}

static void reads_a_tree_with_positions(void **state)
{
    (void) state;
    AUTO_YAML f = YAML_FILE_INIT;
    assert_int_equal(parse("# comment\nhosts:\n  - 10.0.0.1\n  - {address: b, port: 22}\n"
                           "name: \"quo ted\"\n",
                           &f, NULL),
                     0);
    assert_string_equal(f.name, "f.yaml");
    assert_int_equal(f.root->kind, YAML_MAPPING);
    assert_int_equal(f.root->count, 2);
    assert_string_equal(f.root->keys[1], "name");
    assert_int_equal(f.root->key_lines[1], 5);
    assert_int_equal(f.root->key_columns[1], 1);
    assert_true(f.root->items[1]->quoted);
    const struct yaml_node *hosts = yaml_get(f.root, "hosts");
    assert_int_equal(hosts->kind, YAML_SEQUENCE);
    assert_int_equal(hosts->count, 2);
    assert_string_equal(hosts->items[0]->text, "10.0.0.1");
    assert_int_equal(hosts->items[0]->line, 3);
    assert_int_equal(hosts->items[0]->column, 5);
    const struct yaml_node *port = yaml_get(hosts->items[1], "port");
    assert_string_equal(port->text, "22");
    assert_int_equal(port->line, 4);
    assert_int_equal(port->column, 24);
    assert_null(yaml_get(f.root, "none"));
    assert_null(yaml_get(hosts, "none"));
    assert_null(yaml_get(NULL, "none"));
}

static void an_empty_file_has_no_root(void **state)
{
    (void) state;
    static const char *const empty[] = {"", "\n\n", "# only a comment\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
        AUTO_YAML f = YAML_FILE_INIT;
        assert_int_equal(parse(empty[i], &f, NULL), 0);
        assert_null(f.root);
    }
}

static const struct {
    const char *text, *error;
} refused[] = {
    {"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: duplicate key \"a\", it is in line 1 already"},
    {"x:\n  b: 1\n  c: 1\n  c: 2\n  b: 2\n", "f.yaml:4:3: duplicate key \"c\""},
    {"a: 1\n\"a\": 2\n", "f.yaml:2:1: duplicate key"},
    {"a: &x 1\n", "f.yaml:1:4: anchors"},
    {"&x a: 1\n", "f.yaml:1:1: anchors"},
    {"a: &x [1]\n", "f.yaml:1:4: anchors"},
    {"a: *x\n", "f.yaml:1:4: aliases"},
    {"*x : 1\n", "f.yaml:1:1: aliases"},
    {"a: !!str 1\n", "f.yaml:1:4: tags"},
    {"a: ! 1\n", "f.yaml:1:4: tags"},
    {"a: !x {b: c}\n", "f.yaml:1:4: tags"},
    {"!<tag:x> a: 1\n", "f.yaml:1:1: tags"},
    {"a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document"},
    {"[a]: 1\n", "f.yaml:1:1: a key that is a list or a mapping"},
    {"? {a: b}\n: 1\n", "f.yaml:1:3: a key that is a list or a mapping"},
    {"'': 1\n", "f.yaml:1:1: an empty key"},
    {"? \n: 1\n", "f.yaml:1:2: an empty key"},
    {"a: \"b\\0c\"\n", "f.yaml:1:4: value with a NUL character"},
    {"\"a\\0\": b\n", "f.yaml:1:1: a key that is too long or holds NUL"},
    {"a: b\n\tc: d\n", "f.yaml:2:1:"},
    {"a: b: c\n", "f.yaml:1:5: mapping values are not allowed"},
    {"a: [1, 2\n", "f.yaml:2:1:"},
    {"a: 'b\n", "f.yaml:2:1:"},
    {"a: b\nc: gr\xfc\xdf\n", "f.yaml:2:6: invalid"},
    {"\xc3\xbc: \x01\n", "f.yaml:1:4: control character 0x01"},
    {"a: \xed\xa0\x80\n", "f.yaml:1:4: invalid"},
    {"a: b\n- c\n", "f.yaml:2:1:"},
    {"- a\nb: c\n", "f.yaml:2:1:"},
    {"%YAML 9.9\n---\na: 1\n", "f.yaml:1:1:"},
    {"<<: *base\n", "f.yaml:1:5: aliases"},
};

static void refuses_with_position(void **state)
{
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct error err = ERROR_INIT;
        AUTO_YAML f = {.name = NULL};
        int r = parse(refused[i].text, &f, &err);
        if (r != -EINVAL || strncmp(err.text, refused[i].error, strlen(refused[i].error)) != 0)
            fail_msg("%s\n  gave %d: %s\n  expected: %s", refused[i].text, r, err.text,
                     refused[i].error);
        assert_null(f.name); /* untouched on failure */
    }
}

static void a_nul_byte_is_no_end(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    AUTO_YAML f = YAML_FILE_INIT;
    assert_int_equal(yaml_parse("a: 1\nb: \0\n", 10, "f.yaml", &f, &err), -EINVAL);
    assert_string_equal(err.text, "f.yaml:2:4: control character 0x00, expected text");
}

static void depth_is_limited(void **state)
{
    (void) state;
    STRBUF(text, 1000);
    struct error err = ERROR_INIT;
    for (int i = 0; i < YAML_DEPTH_MAX; i++)
        strbuf_addc(&text, '[');
    for (int i = 0; i < YAML_DEPTH_MAX; i++)
        strbuf_addc(&text, ']');
    AUTO_YAML fits = YAML_FILE_INIT;
    assert_int_equal(parse(text.data, &fits, &err), 0);
    AUTO_FREE char *deeper = xasprintf("[%s]", text.data);
    AUTO_YAML deep = YAML_FILE_INIT;
    assert_int_equal(parse(deeper, &deep, &err), -EINVAL);
    assert_string_equal(err.text, "f.yaml:1:33: nested too deeply, expected at most 32 levels");
}

static void scalars_are_limited(void **state)
{
    (void) state;
    STRBUF(text, YAML_SIZE_MAX);
    struct error err = ERROR_INIT;
    strbuf_adds(&text, "a: ");
    for (int i = 0; i < YAML_SCALAR_MAX; i++)
        strbuf_addc(&text, 'x');
    AUTO_YAML fits = YAML_FILE_INIT;
    assert_int_equal(parse(text.data, &fits, &err), 0);
    strbuf_addc(&text, 'x');
    AUTO_YAML large = YAML_FILE_INIT;
    assert_int_equal(parse(text.data, &large, &err), -EINVAL);
    assert_string_equal(err.text, "f.yaml:1:4: value of 65537 bytes, expected at most 65536");
}

/* Of this thread: other programs on the machine do not count. */
static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A megabyte of each: quickly refused or quickly read, never slow. */
static const struct {
    const char *start, *repeat;
    size_t max;
} hostile[] = {
    {"", "[", 200000},
    {"", "{", 200000},
    {"", "- ", SIZE_MAX},
    {"", "? ", SIZE_MAX},
    {"[", "[],", SIZE_MAX},
    {"[", "a,", SIZE_MAX},
    {"{", "a,", SIZE_MAX},
    {"{", "a: b,", SIZE_MAX},
    {"a:\n", "- a\n", SIZE_MAX},
    {"a: '", "''", SIZE_MAX},
    {"a: ", "a ", SIZE_MAX},
    {"a: ", "a\n ", SIZE_MAX},
    {"", "#a\n", SIZE_MAX},
    {"", "\n", SIZE_MAX},
    {"a:", "\t", SIZE_MAX},
    {"a: |\n", " a\n", SIZE_MAX},
    {"a: >\n", " a\n\n", SIZE_MAX},
    {"a: |\n", " \n", SIZE_MAX},
    {"", "a: ", SIZE_MAX},
    {"", "---\n", SIZE_MAX},
    {"", "*a ", SIZE_MAX},
    {"", "&a ", SIZE_MAX},
    {"\"", "a", SIZE_MAX},
    {"", "!", SIZE_MAX},
    {"%", "%", SIZE_MAX},
    {"[", "[a]: b,", SIZE_MAX},
    {"a: &a [x,x]\nb: ", "&b [*a,*a,*a]\nc: ", SIZE_MAX},
    {"a: \"", "\\u0041", SIZE_MAX},
};

/* The fastest of some tries: a sibling thread of the same core slows us as well. */
static int64_t parse_us(const struct strbuf *text, struct error *err)
{
    int64_t fastest = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        AUTO_YAML f = YAML_FILE_INIT;
        int64_t start = cpu_us();
        yaml_parse(text->data, text->len, "f.yaml", &f, err);
        int64_t took = cpu_us() - start;
        fastest = took < fastest ? took : fastest;
    }
    return fastest;
}

/* Not how long it takes, which is the machine's, but how it grows. */
static bool grows_slowly(int64_t part_us, int64_t whole_us)
{
    return whole_us <= GROWTH_MAX * (part_us > TOO_SHORT_US ? part_us : TOO_SHORT_US);
}

static int64_t parse_hostile_us(size_t i, size_t divisor)
{
    STRBUF(text, YAML_SIZE_MAX / divisor);
    strbuf_adds(&text, hostile[i].start);
    for (size_t n = 0; n < hostile[i].max / divisor && !strbuf_full(&text); n++)
        strbuf_adds(&text, hostile[i].repeat);
    return parse_us(&text, NULL);
}

static void hostile_input_is_quick(void **state)
{
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        int64_t part = parse_hostile_us(i, GROWTH), whole = parse_hostile_us(i, 1);
        if (!grows_slowly(part, whole))
            fail_msg("\"%s%s…\" took %" PRId64 " us, a part of it %" PRId64, hostile[i].start,
                     hostile[i].repeat, whole, part);
    }
#if !defined(__SANITIZE_ADDRESS__) /* it keeps what was freed */
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    assert_in_range(usage.ru_maxrss, 1, HOSTILE_KIB);
#endif
}

static int64_t parse_keys_us(int count, struct error *err)
{
    STRBUF(text, YAML_SIZE_MAX);
    for (int i = 0; i < count; i++)
        strbuf_addf(&text, "k%d: v\n", i);
    strbuf_adds(&text, "k1: v\n");
    return parse_us(&text, err);
}

static void many_keys_are_not_quadratic(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    int64_t part = parse_keys_us(60000 / GROWTH, NULL), whole = parse_keys_us(60000, &err);
    assert_string_equal(err.text, "f.yaml:60001:1: duplicate key \"k1\", it is in line 2 already");
    if (!grows_slowly(part, whole))
        fail_msg("it took %" PRId64 " us, a part of it %" PRId64, whole, part);
}

static void values_are_counted(void **state)
{
    (void) state;
    STRBUF(text, YAML_SIZE_MAX);
    struct error err = ERROR_INIT;
    for (int i = 0; i < YAML_NODES_MAX; i++)
        strbuf_adds(&text, "- a\n");
    AUTO_YAML f = YAML_FILE_INIT;
    assert_int_equal(parse(text.data, &f, &err), -EINVAL);
    assert_error_has(err, "too many values, expected at most 65536");
}

static void files_are_limited(void **state)
{
    AUTO_FREE char *path = path_join(*state, "large.yaml");
    AUTO_FREE char *data = xcalloc(YAML_SIZE_MAX + 1, 1);
    struct error err = ERROR_INIT;
    memset(data, '\n', YAML_SIZE_MAX + 1);
    AUTO_YAML f = YAML_FILE_INIT;
    assert_int_equal(file_write_atomic(path, data, YAML_SIZE_MAX + 1, 0600, NULL), 0);
    assert_int_equal(yaml_parse_file(path, &f, &err), -EINVAL);
    assert_error_has(err, "large.yaml:1:1: file of more than 1048576 bytes");
    assert_int_equal(yaml_parse(data, YAML_SIZE_MAX + 1, "x", &f, &err), -EINVAL);
    assert_int_equal(yaml_parse_file("/nonexistent.yaml", &f, &err), -ENOENT);
    assert_int_equal(file_write_atomic(path, "a: 1\n", 5, 0600, NULL), 0);
    assert_int_equal(yaml_parse_file(path, &f, &err), 0);
    assert_string_equal(f.name, path);
}

/* The value of key "v" through one of the typed readers: its error, or "" when it was accepted. */
static const char *read_typed(const char *value, char type, struct error *err)
{
    AUTO_FREE char *text = xasprintf("v: %s\n", value);
    AUTO_YAML f = YAML_FILE_INIT;
    const char *s = NULL;
    int64_t i = 0;
    bool b = false;
    *err = ERROR_INIT;
    assert_int_equal(parse(text, &f, NULL), 0);
    const struct yaml_node *n = yaml_get(f.root, "v");
    int r = type == 's'   ? yaml_string(&f, n, &s, err)
            : type == 'i' ? yaml_int(&f, n, -5, 65535, &i, err)
                          : yaml_bool(&f, n, &b, err);
    assert_int_equal(r, err->code);
    return err->text;
}

static const struct {
    char type;
    const char *value, *error;
} typed[] = {
    {'s', "abc", ""},
    {'s', "10.0.0.1", ""},
    {'s', "'5'", ""},
    {'s', "yes", ""},
    {'s', "\"\"", ""},
    {'s', "1.2.3", ""},
    {'s', "0x", ""},
    {'s', "-x", ""},
    {'s', "e5", ""},
    {'s', "5", "f.yaml:1:4: found a number, expected a string (put it in quotes)"},
    {'s', "-1.5e+3", "f.yaml:1:4: found a number, expected a string (put it in quotes)"},
    {'s', "0x1F", "f.yaml:1:4: found a number, expected a string (put it in quotes)"},
    {'s', "0o17", "f.yaml:1:4: found a number, expected a string (put it in quotes)"},
    {'s', ".5", "f.yaml:1:4: found a number, expected a string (put it in quotes)"},
    {'s', ".inf", "f.yaml:1:4: found a number, expected a string (put it in quotes)"},
    {'s', "true", "f.yaml:1:4: found a boolean, expected a string (put it in quotes)"},
    {'s', "~", "f.yaml:1:4: found nothing, expected a string"},
    {'s', "null", "f.yaml:1:4: found nothing, expected a string"},
    {'s', "", "f.yaml:1:3: found nothing, expected a string"},
    {'s', "[a]", "f.yaml:1:4: found a list, expected a string"},
    {'s', "{a: b}", "f.yaml:1:4: found a mapping, expected a string"},
    {'i', "0", ""},
    {'i', "-5", ""},
    {'i', "65535", ""},
    {'i', "65536",
     "f.yaml:1:4: found a number \"65536\", expected a decimal number from -5 to 65535"},
    {'i', "-6", "f.yaml:1:4: found a number \"-6\", expected a decimal number from -5 to 65535"},
    {'i', "99999999999999999999",
     "f.yaml:1:4: found a number \"99999999999999999999\", expected a decimal number from -5 to "
     "65535"},
    {'i', "'22'", "f.yaml:1:4: found a string \"22\", expected a decimal number from -5 to 65535"},
    {'i', "022", "f.yaml:1:4: found a number \"022\", expected a decimal number from -5 to 65535"},
    {'i', "0x16",
     "f.yaml:1:4: found a number \"0x16\", expected a decimal number from -5 to 65535"},
    {'i', "2.0", "f.yaml:1:4: found a number \"2.0\", expected a decimal number from -5 to 65535"},
    {'i', "+2", "f.yaml:1:4: found a number \"+2\", expected a decimal number from -5 to 65535"},
    {'i', "22 ssh",
     "f.yaml:1:4: found a string \"22 ssh\", expected a decimal number from -5 to 65535"},
    {'i', "\"\\e[31m\"",
     "f.yaml:1:4: found a string \"\\x1b[31m\", expected a decimal number from -5 to 65535"},
    {'i', "[]", "f.yaml:1:4: found a list, expected a decimal number from -5 to 65535"},
    {'b', "true", ""},
    {'b', "false", ""},
    {'b', "yes", "f.yaml:1:4: found a string \"yes\", expected true or false (write true)"},
    {'b', "Off", "f.yaml:1:4: found a string \"Off\", expected true or false (write false)"},
    {'b', "True", "f.yaml:1:4: found a boolean \"True\", expected true or false (write true)"},
    {'b', "'true'", "f.yaml:1:4: found a string \"true\", expected true or false"},
    {'b', "1", "f.yaml:1:4: found a number \"1\", expected true or false"},
    {'b', "~", "f.yaml:1:4: found nothing, expected true or false"},
};

static void reads_typed_values(void **state)
{
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(typed); i++) {
        struct error err;
        const char *got = read_typed(typed[i].value, typed[i].type, &err);
        if (strcmp(got, typed[i].error) != 0)
            fail_msg("%c %s gave \"%s\"\n  expected \"%s\"", typed[i].type, typed[i].value, got,
                     typed[i].error);
    }
}

static void typed_values_are_right(void **state)
{
    (void) state;
    AUTO_YAML f = YAML_FILE_INIT;
    const char *s = NULL;
    int64_t i = 0;
    bool yes = false, no = true;
    assert_int_equal(
        parse("s: |\n  two\n  lines\ni: -9223372036854775808\ny: true\nn: false\n", &f, NULL), 0);
    assert_int_equal(yaml_string(&f, yaml_get(f.root, "s"), &s, NULL), 0);
    assert_string_equal(s, "two\nlines\n");
    assert_int_equal(yaml_int(&f, yaml_get(f.root, "i"), INT64_MIN, 0, &i, NULL), 0);
    assert_true(i == INT64_MIN);
    assert_int_equal(yaml_bool(&f, yaml_get(f.root, "y"), &yes, NULL), 0);
    assert_int_equal(yaml_bool(&f, yaml_get(f.root, "n"), &no, NULL), 0);
    assert_true(yes);
    assert_false(no);
}

static void passwords_are_not_shown(void **state)
{
    (void) state;
    struct error err;
    assert_null(strstr(read_typed("271828", 's', &err), "271828"));
}

static void null_is_several_things(void **state)
{
    (void) state;
    AUTO_YAML f = YAML_FILE_INIT;
    assert_int_equal(parse("a:\nb: ~\nc: null\nd: ''\ne: []\nf: 'null'\n", &f, NULL), 0);
    assert_true(yaml_is_null(yaml_get(f.root, "a")));
    assert_true(yaml_is_null(yaml_get(f.root, "b")));
    assert_true(yaml_is_null(yaml_get(f.root, "c")));
    assert_true(yaml_is_null(yaml_get(f.root, "none")));
    assert_false(yaml_is_null(yaml_get(f.root, "d")));
    assert_false(yaml_is_null(yaml_get(f.root, "e")));
    assert_false(yaml_is_null(yaml_get(f.root, "f")));
}

static void errors_have_the_place(void **state)
{
    (void) state;
    AUTO_YAML f = YAML_FILE_INIT;
    struct error err = ERROR_INIT;
    assert_int_equal(parse("a: 1\nb:\n  - x\n", &f, NULL), 0);
    assert_int_equal(yaml_error(&f, yaml_get(f.root, "b")->items[0], &err, "odd %s", "x"), -EINVAL);
    assert_string_equal(err.text, "f.yaml:3:5: odd x");
    assert_int_equal(yaml_error(&f, NULL, &err, "odd"), -EINVAL);
    assert_string_equal(err.text, "f.yaml:1:1: odd");
    assert_int_equal(yaml_error_key(&f, f.root, 1, &err, "odd key"), -EINVAL);
    assert_string_equal(err.text, "f.yaml:2:1: odd key");
}

/* Definitions of resources go deeper than what people write. */
static void a_programs_output_may_be_deeper(void **state)
{
    (void) state;
    for (size_t depth = YAML_DEPTH_MAX; depth <= 5 * YAML_DEPTH_MAX; depth += YAML_DEPTH_MAX) {
        STRBUF(text, YAML_SIZE_MAX);
        struct error err = ERROR_INIT;
        AUTO_YAML f = YAML_FILE_INIT;
        AUTO_YAML g = YAML_FILE_INIT;
        for (size_t i = 0; i < depth; i++)
            strbuf_addf(&text, "%*sa:\n", (int) i, "");
        bool people = depth <= YAML_DEPTH_MAX, programs = depth <= 4 * YAML_DEPTH_MAX;
        assert_int_equal(yaml_parse(text.data, text.len, "f", &f, &err) == 0, people);
        assert_int_equal(yaml_parse_output(text.data, text.len, "f", &g, &err) == 0, programs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_tree_with_positions),
        cmocka_unit_test(an_empty_file_has_no_root),
        cmocka_unit_test(refuses_with_position),
        cmocka_unit_test(a_nul_byte_is_no_end),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(scalars_are_limited),
        cmocka_unit_test(hostile_input_is_quick),
        cmocka_unit_test(many_keys_are_not_quadratic),
        cmocka_unit_test(values_are_counted),
        cmocka_folder_test(files_are_limited),
        cmocka_unit_test(reads_typed_values),
        cmocka_unit_test(typed_values_are_right),
        cmocka_unit_test(passwords_are_not_shown),
        cmocka_unit_test(null_is_several_things),
        cmocka_unit_test(errors_have_the_place),
        cmocka_unit_test(a_programs_output_may_be_deeper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
