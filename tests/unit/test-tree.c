#include "images/tree.h"
#include "lib/process.h"
#include "tests/unit/folder-file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD \
    "product: p\narchitecture: amd64\nserial: 3\nkubernetes: v1\n" \
    "created: 2026-02-10T12:53:36Z\nsources: {f: {type: file, path: .}}\ncomponents:\n" \
    "- {name: a, kind: files, version: v1, roles: [worker], files: ["

static char *put(const char *dir, const char *name, mode_t mode)
{
    char *path = path_join(dir, name);
    AUTO_FREE char *parent = path_dirname(path);
    assert_int_equal(path_mkdir_p(parent, 0755, NULL), 0);
    assert_int_equal(file_write_atomic(path, "hello", 5, mode, NULL), 0);
    return path;
}

/* The tree that the entries give, as one text; err set when there is none. */
static char *tree_text(const char *dir, const char *entries, struct error *err)
{
    CLEANUP(recipe_release) struct recipe r = RECIPE_INIT;
    CLEANUP(tree_release) struct tree t = TREE_INIT;
    CLEANUP(cache_entry_release) struct cache_entry source = {.dir = xstrdup(dir)};
    struct yaml_file file = YAML_FILE_INIT;
    AUTO_FREE char *text = xasprintf(HEAD "%s]}\n", entries);
    if (yaml_parse(text, strlen(text), "r.yaml", &file, err) < 0 ||
        recipe_from_yaml(&file, dir, &r, err) < 0 || cache_list(dir, &source.files, err) < 0 ||
        tree_build(&r, &r.components[0].files, &source, &t, err) < 0)
        return NULL;
    STRBUF(out, 65536);
    for (size_t i = 0; i < t.count; i++) {
        const struct tree_item *item = &t.items[i];
        strbuf_addf(&out, "%s %04o%s%s\n", item->path, item->mode,
                    item->kind == TREE_LINK ? " -> " : "",
                    item->kind == TREE_LINK ? item->text : "");
    }
    return strbuf_steal(&out);
}

static void must_be(const char *dir, const char *entries, const char *expected)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *text = tree_text(dir, entries, &err);
    if (!text)
        fail_msg("%s", err.text);
    assert_string_equal(text, expected);
}

static void fills_in_sources(void **state)
{
    AUTO_FREE char *tool = put(*state, "bin/tool", 0755);
    AUTO_FREE char *note = put(*state, "share/note", 0600);
    AUTO_FREE char *link = path_join(*state, "bin/alias");
    assert_int_equal(symlink("tool", link), 0);
    must_be(*state, "{from: f, path: bin, to: usr/bin}",
            "usr 0755\nusr/bin 0755\nusr/bin/alias 0777 -> tool\nusr/bin/tool 0755\n");
    must_be(*state, "{from: f, path: share/note, to: x, mode: \"0640\"}", "x 0640\n");
    must_be(*state, "{from: f}",
            "bin 0755\nbin/alias 0777 -> tool\nbin/tool 0755\nshare 0755\nshare/note 0600\n");
}

static void sorts_and_adds_parents(void **state)
{
    must_be(*state,
            "{text: x, to: b/c/d}, {dir: a, mode: \"1777\"}, {links: [y, x], in: a, target: z}",
            "a 1777\na/x 0777 -> z\na/y 0777 -> z\nb 0755\nb/c 0755\nb/c/d 0644\n");
    must_be(*state, "{text: x, to: d/f}, {dir: d, mode: \"0700\"}", "d 0700\nd/f 0644\n");
}

static void drops_special_bits(void **state)
{
    AUTO_FREE char *tool = put(*state, "tool", 0755);
    assert_int_equal(chmod(tool, 06755), 0);
    must_be(*state, "{from: f, path: tool, to: tool}", "tool 0755\n");
}

static void refuses_what_is_wrong(void **state)
{
    static const struct {
        const char *entries, *says;
    } cases[] = {
        {"{from: f, path: nothing, to: x}", "source \"f\" has no \"nothing\""},
        {"{from: f, path: tool}", "\"to\" is missing here"},
        {"{text: a, to: x}, {text: b, to: x}", "\"x\" is put there twice"},
        {"{text: a, to: x}, {dir: x}", "\"x\" is put there twice"},
        {"{text: a, to: x}, {text: b, to: x/y}", "is a file and a folder"},
        {"{links: [x], target: t}, {text: b, to: x/y}", "is a file and a folder"},
    };
    AUTO_FREE char *tool = put(*state, "tool", 0755);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = ERROR_INIT;
        AUTO_FREE char *text = tree_text(*state, cases[i].entries, &err);
        if (text)
            fail_msg("accepted: %s", cases[i].entries);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s\nsays: %s", cases[i].entries, err.text);
    }
}

static ino_t ino_of(const char *dir, const char *name)
{
    struct stat st;
    AUTO_FREE char *path = path_join(dir, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

/* GNU tar passes over the mode of another name; containerd gives it to the file. */
static void assert_modes(const char *tar, const struct tree *t)
{
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    assert_int_equal(archive_read_support_format_tar(a), ARCHIVE_OK);
    assert_int_equal(archive_read_open_filename(a, tar, 10240), ARCHIVE_OK);
    for (size_t i = 0; i < t->count; i++) {
        assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_OK);
        assert_int_equal(archive_entry_perm(entry), t->items[i].mode);
    }
    archive_read_free(a);
}

static void files_of_one_content_are_one_file(void **state)
{
    CLEANUP(tree_release) struct tree t = TREE_INIT;
    AUTO_FREE char *a = put(*state, "a", 0755);
    struct tree_item items[] = {
        {.kind = TREE_DIR, .path = xstrdup("d"), .mode = 0755},
        {.kind = TREE_FILE, .path = xstrdup("d/a"), .mode = 0755, .source = xstrdup(a)},
        {.kind = TREE_FILE, .path = xstrdup("d/b"), .mode = 0755, .source = xstrdup(a)},
        {.kind = TREE_FILE, .path = xstrdup("d/c"), .mode = 0644, .source = xstrdup(a)},
        {.kind = TREE_TEXT, .path = xstrdup("d/d"), .mode = 0755, .text = xstrdup("hello")},
        {.kind = TREE_TEXT, .path = xstrdup("d/e"), .mode = 0755, .text = xstrdup("other")},
    };
    for (size_t i = 1; i < ARRAY_SIZE(items); i++)
        digest_buffer(items[i].text ? items[i].text : "hello", 5, items[i].digest);
    t.count = ARRAY_SIZE(items);
    t.items = xcalloc(t.count, sizeof(*t.items));
    memcpy(t.items, items, sizeof(items));
    tree_share(&t);
    static const enum tree_kind kinds[] = {TREE_DIR,  TREE_FILE, TREE_SAME,
                                           TREE_FILE, TREE_SAME, TREE_TEXT};
    for (size_t i = 0; i < t.count; i++)
        assert_int_equal(t.items[i].kind, kinds[i]);
    AUTO_FREE char *path = path_join(*state, "x.tar");
    struct archive_writer *w = NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(archive_writer_open(fd, ARCHIVE_PLAIN, 0, &w, NULL), 0);
    assert_int_equal(tree_write(&t, w, NULL), 0);
    assert_int_equal(archive_writer_close(&w, NULL), 0);
    close(fd);
    assert_modes(path, &t);
    const char *const argv[] = {"tar", "-C", *state, "-xf", path, NULL};
    assert_int_equal(process_run(argv, NULL, NULL, NULL), 0);
    assert_true(ino_of(*state, "d/a") == ino_of(*state, "d/b"));
    assert_true(ino_of(*state, "d/a") == ino_of(*state, "d/d"));
    assert_true(ino_of(*state, "d/a") != ino_of(*state, "d/c"));
    AUTO_FREE char *text = get_file(*state, "d/d");
    assert_string_equal(text, "hello");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(fills_in_sources),
        cmocka_folder_test(sorts_and_adds_parents),
        cmocka_folder_test(drops_special_bits),
        cmocka_folder_test(refuses_what_is_wrong),
        cmocka_folder_test(files_of_one_content_are_one_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
