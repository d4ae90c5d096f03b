#include "images/source.h"
#include "lib/archive.h"
#include "lib/digest.h"
#include "tests/unit/http-fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define HEX "a000000000000000000000000000000000000000000000000000000000000000"

struct fixture {
    struct http_server server;
    const char *dir;
    char *file; /* what is served */
    struct recipe recipe;
    struct lock *lock;
    struct source_context ctx;
    char *cache, *lock_path, *out;
    void *spec;
};

static void serve_file(struct http_server *s, int fd, const char *request, int nth)
{
    (void) request;
    (void) nth;
    const struct fixture *f = s->data;
    STRBUF(body, 1000000);
    assert_int_equal(file_read(f->file, &body, NULL), 0);
    AUTO_FREE char *head =
        xasprintf("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", body.len);
    http_send(fd, head);
    (void) !send(fd, body.data, body.len, MSG_NOSIGNAL);
}

static void start(struct fixture *f, void **state, const char *served)
{
    *f = (struct fixture){.dir = *state};
    f->file = path_join(f->dir, "served");
    if (served)
        assert_int_equal(file_write_atomic(f->file, served, strlen(served), 0600, NULL), 0);
    f->cache = path_join(f->dir, "cache");
    f->lock_path = path_join(f->dir, "r.yaml.lock");
    f->out = path_join(f->dir, "out");
    assert_int_equal(path_mkdir_p(f->out, 0755, NULL), 0);
    assert_int_equal(lock_open(f->lock_path, false, &f->lock, NULL), 0);
    f->ctx = (struct source_context){.recipe = &f->recipe, .cache_dir = f->cache, .lock = f->lock};
    http_start(&f->server, serve_file, f);
}

static void unload(struct fixture *f)
{
    if (f->spec)
        source_url.release(f->spec);
    free(TAKE_PTR(f->spec));
}

static void stop(struct fixture *f)
{
    http_release(&f->server);
    unload(f);
    lock_close(&f->lock);
    yaml_release(&f->recipe.file);
    free(f->file);
    free(f->cache);
    free(f->lock_path);
    free(f->out);
}

/* text: the source's mapping; %u is the server's port. */
static int load(struct fixture *f, const char *text, struct error *err)
{
    yaml_release(&f->recipe.file);
    int r = yaml_parse(text, strlen(text), "r.yaml", &f->recipe.file, err);
    f->spec = xcalloc(1, source_url.spec_size);
    return r < 0 ? r : source_url.load(&f->recipe, f->recipe.file.root, f->spec, err);
}

static int make(struct fixture *f, json_t *in, struct error *err)
{
    AUTO_JSON *about = json_object();
    int r = source_url.inputs(&f->ctx, f->spec, in, err);
    return r < 0 ? r : source_url.produce(&f->ctx, f->spec, f->out, about, err);
}

static char *served_hex(const struct fixture *f)
{
    char digest[DIGEST_SIZE];
    assert_int_equal(digest_file(f->file, digest, NULL, NULL), 0);
    return xstrdup(digest + strlen("sha256:"));
}

static void takes_a_file(void **state)
{
    struct fixture f;
    start(&f, state, "#!/bin/sh\n");
    AUTO_FREE char *hex = served_hex(&f);
    AUTO_FREE char *text =
        xasprintf("type: url\nurl: http://127.0.0.1:%u/v1/tool.amd64?x=y\nsha256: %s\nsize: 10\n"
                  "mode: \"0755\"\n",
                  f.server.port, hex);
    AUTO_JSON *in = json_object();
    struct error err = ERROR_INIT;
    if (load(&f, text, &err) < 0 || make(&f, in, &err) < 0)
        fail_msg("%s", err.text);
    AUTO_FREE char *path = path_join(f.out, "tool.amd64");
    assert_int_equal(file_is(path, "#!/bin/sh\n", 10, 0755), 1);
    assert_int_equal(f.server.count, 1);
    unlink(path);
    assert_int_equal(make(&f, in, &err), 0); /* from the cache */
    assert_int_equal(file_is(path, "#!/bin/sh\n", 10, 0755), 1);
    assert_int_equal(f.server.count, 1);
    stop(&f);
}

static void drops_a_changed_file_of_the_cache(void **state)
{
    struct fixture f;
    start(&f, state, "content");
    AUTO_FREE char *hex = served_hex(&f);
    AUTO_FREE char *text = xasprintf("type: url\nurl: http://127.0.0.1:%u/a\nsha256: %s\nname: b\n",
                                     f.server.port, hex);
    AUTO_FREE char *kept = xasprintf("%s/downloads/%s", f.cache, hex);
    AUTO_FREE char *path = path_join(f.out, "b");
    AUTO_JSON *in = json_object();
    assert_int_equal(load(&f, text, NULL), 0);
    assert_int_equal(make(&f, in, NULL), 0);
    assert_int_equal(file_write_atomic(kept, "changed", 7, 0644, NULL), 0);
    unlink(path);
    assert_int_equal(make(&f, in, NULL), 0);
    assert_int_equal(file_is(path, "content", 7, 0644), 1);
    assert_int_equal(f.server.count, 2);
    stop(&f);
}

/* A tar with bin/tool and a symlink is served, taken and unpacked. */
static int unpack(struct fixture *f, void **state, const char *target, struct error *err)
{
    start(f, state, NULL);
    int fd = open(f->file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    struct archive_writer *w = NULL;
    assert_int_equal(archive_writer_open(fd, ARCHIVE_GZIP, 0, &w, NULL), 0);
    assert_int_equal(archive_writer_dir(w, "bin", 0755, NULL), 0);
    assert_int_equal(archive_writer_data(w, "bin/tool", 0755, "x", 1, NULL), 0);
    assert_int_equal(archive_writer_symlink(w, "bin/link", target, NULL), 0);
    assert_int_equal(archive_writer_close(&w, NULL), 0);
    close(fd);
    AUTO_FREE char *hex = served_hex(f);
    AUTO_FREE char *text =
        xasprintf("type: url\nurl: http://127.0.0.1:%u/t.tgz\nsha256: %s\nunpack: true\n",
                  f->server.port, hex);
    AUTO_JSON *in = json_object();
    if (load(f, text, err) < 0)
        fail_msg("%s", err->text);
    return make(f, in, err);
}

/* What is unpacked next into the same folder would be written through it. */
static void refuses_symlinks_that_lead_out(void **state)
{
    static const char *const targets[] = {"/etc", "../../x", "tool/../../../x"};
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        struct fixture f;
        struct error err = ERROR_INIT;
        if (unpack(&f, state, targets[i], &err) != -EPERM)
            fail_msg("%s: \"%s\"", targets[i], err.text);
        assert_error_has(err, "bin/link is a symlink");
        assert_int_equal(path_remove_tree(f.out, NULL), 0);
        stop(&f);
    }
}

static void unpacks(void **state)
{
    struct fixture f;
    struct error err = ERROR_INIT;
    if (unpack(&f, state, "../bin/tool", &err) < 0)
        fail_msg("%s", err.text);
    AUTO_FREE char *tool = path_join(f.out, "bin/tool");
    AUTO_FREE char *archive = path_join(f.out, "t.tgz");
    assert_int_equal(file_is(tool, "x", 1, 0755), 1);
    assert_int_not_equal(access(archive, F_OK), 0);
    stop(&f);
}

static void refuses_other_content(void **state)
{
    struct fixture f;
    start(&f, state, "content");
    AUTO_FREE char *hex = served_hex(&f);
    AUTO_FREE char *wrong = xasprintf(
        "type: url\nurl: http://127.0.0.1:%u/a?key=secret\nsha256: " HEX "\n", f.server.port);
    AUTO_FREE char *size = xasprintf("type: url\nurl: http://127.0.0.1:%u/a\nsha256: %s\nsize: 8\n",
                                     f.server.port, hex);
    AUTO_JSON *in = json_object();
    struct error err = ERROR_INIT;
    assert_int_equal(load(&f, wrong, NULL), 0);
    assert_int_equal(make(&f, in, &err), -EBADMSG);
    assert_error_has(err, "127.0.0.1");
    assert_null(strstr(err.text, "secret"));
    unload(&f);
    assert_int_equal(load(&f, size, NULL), 0);
    assert_int_equal(make(&f, in, &err), -EBADMSG);
    stop(&f);
}

/* The published checksum is asked for once: afterwards the lock file says it. */
static void uses_what_is_pinned(void **state)
{
    struct fixture f;
    start(&f, state, "content");
    AUTO_JSON *in = json_object();
    assert_int_equal(load(&f,
                          "type: url\nurl: https://example.invalid/a\n"
                          "sha256_url: https://example.invalid/a.sha256\n",
                          NULL),
                     0);
    assert_int_equal(lock_pin(f.lock, LOCK_URL, "https://example.invalid/a", "sha256:" HEX, NULL),
                     0);
    assert_int_equal(source_url.inputs(&f.ctx, f.spec, in, NULL), 0);
    assert_string_equal(json_get_string(in, "digest", ""), "sha256:" HEX);
    stop(&f);
}

static void refuses_wrong_recipes(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"type: url\n", "\"url\" is missing"},
        {"type: url\nurl: https://a/b\n", "one of \"sha256\" and \"sha256_url\""},
        {"type: url\nurl: https://a/b\nsha256: " HEX "\nsha256_url: https://a/c\n", "one of"},
        {"type: url\nurl: https://a/b\nsha256: abc\n", "64 lowercase"},
        {"type: url\nurl: ftp://a/b\nsha256: " HEX "\n", "r.yaml:2:6: expected https"},
        {"type: url\nurl: file:///a\nsha256: " HEX "\n", "expected https"},
        {"type: url\nurl: http://a/b\nsha256_url: https://a/c\n", "expected https://"},
        {"type: url\nurl: https://a/b\nsha256_url: http://a/c\n", "expected https://"},
        {"type: url\nurl: https://a/\nsha256: " HEX "\n", "no name for the file"},
        {"type: url\nurl: https://a/..\nsha256: " HEX "\n", "no name for the file"},
        {"type: url\nurl: https://a/b\nname: c/d\nsha256: " HEX "\n", "no name for the file"},
        {"type: url\nurl: https://a/b\nname: ../d\nsha256: " HEX "\n", "relative path"},
        {"type: url\nurl: https://a/b\nsize: -1\nsha256: " HEX "\n", "r.yaml:3:7"},
        {"type: url\nurl: https://a/b\nunpack: yes\nsha256: " HEX "\n", "r.yaml:3:9"},
        {"type: url\nurl: https://a/b\nmode: \"4755\"\nsha256: " HEX "\n", "octal"},
        {"type: url\nurl: https://a/b\nmagic: 1\nsha256: " HEX "\n", "unknown key"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture f;
        struct error err = ERROR_INIT;
        start(&f, state, "");
        if (load(&f, cases[i].text, &err) != -EINVAL || !strstr(err.text, cases[i].says))
            fail_msg("%s: \"%s\"", cases[i].text, err.text);
        stop(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_folder_test(takes_a_file),
        cmocka_folder_test(drops_a_changed_file_of_the_cache),
        cmocka_folder_test(unpacks),
        cmocka_folder_test(refuses_symlinks_that_lead_out),
        cmocka_folder_test(refuses_other_content),
        cmocka_folder_test(uses_what_is_pinned),
        cmocka_folder_test(refuses_wrong_recipes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
