/* type: pypi — distributions of Python's package index.
 *   requirements: [NAME==VERSION, …]
 *   format: wheel          installed as site-packages would hold them, scripts in bin/
 *           sdist          source distributions, unpacked; nothing of them is run
 *   python: "3.11"         of wheels: whose they shall be
 *   transitive: false      of wheels: with all that they need
 *   drop: [PATTERN, …]     files and folders that are left out (images/drop.h)
 * pip resolves, fetches and installs wheels, with the user's own settings (index, proxies), and
 * checks their hashes. It would run a source distribution's own code to look at it, so those are
 * looked up in the same index and fetched by us. What is taken is pinned in the lock file. */
#include "images/drop.h"
#include "images/fetch.h"
#include "images/fields.h"
#include "images/licence.h"
#include "images/purl.h"
#include "images/pypi.h"
#include "images/source.h"
#include "images/unpack.h"
#include "images/walk.h"
#include "lib/architecture.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3" /* its path gets into scripts: the one that Debian has */
#define PIP_TIMEOUT_MS (60 * 60 * 1000)
#define REPORT_MAX (64 * 1024 * 1024)
#define INDEX_MAX (64 * 1024 * 1024)
#define SDIST_MAX (4LL << 30)
#define REPLY_MAX (256 * 1024)
#define GLIBC_MINOR_MAX 36 /* Debian 12, the oldest that images are made of */
#define GLIBC_MINOR_MIN 5  /* manylinux1 */
#define DEFAULT_INDEX "https://pypi.org/simple"
#define ACCEPT "Accept: application/vnd.pypi.simple.v1+json"

struct pypi_spec {
    struct strv requirements, drop;
    const char *python;
    bool sdist, transitive;
};

static void release(void *spec)
{
    struct pypi_spec *s = spec;
    strv_release(&s->requirements);
    strv_release(&s->drop);
}

/* The recipe */

static int load_format(const struct recipe *r, const struct yaml_node *node, struct pypi_spec *s,
                       struct error *err)
{
    const char *format = "wheel";
    int e = fields_get_string(&r->file, node, "format", &format, err);
    if (e < 0)
        return e;
    s->sdist = strcmp(format, "sdist") == 0;
    if (!s->sdist && strcmp(format, "wheel") != 0)
        return yaml_error(&r->file, yaml_get(node, "format"), err, "expected wheel or sdist");
    static const char *const of_wheels[] = {"python", "transitive"};
    for (size_t i = 0; s->sdist && i < ARRAY_SIZE(of_wheels); i++)
        if (yaml_get(node, of_wheels[i]))
            return yaml_error(&r->file, yaml_get(node, of_wheels[i]), err,
                              "\"%s\" has no meaning with \"format: sdist\"", of_wheels[i]);
    return 0;
}

static int load_python(const struct recipe *r, const struct yaml_node *node, struct pypi_spec *s,
                       struct error *err)
{
    s->python = "3.11";
    int e = fields_get_string(&r->file, node, "python", &s->python, err);
    if (e < 0)
        return e;
    size_t len = strlen(s->python);
    if (strncmp(s->python, "3.", 2) != 0 || len < 3 || len > 4 ||
        strspn(s->python + 2, "0123456789") != len - 2)
        return yaml_error(&r->file, yaml_get(node, "python"), err, "expected a version like 3.11");
    return 0;
}

static int check_requirements(const struct recipe *r, const struct yaml_node *node,
                              const struct pypi_spec *s, struct error *err)
{
    const struct yaml_node *list = yaml_get(node, "requirements");
    for (size_t i = 0; i < s->requirements.count; i++) {
        const char *text = s->requirements.items[i];
        if (s->sdist ? !pypi_is_pin(text) || strchr(text, '[') : !pypi_is_requirement(text))
            return yaml_error(&r->file, list->items[i], err, "expected %s",
                              s->sdist ? "NAME==VERSION"
                                       : "NAME==VERSION, or NAME[EXTRA] with other specifiers");
        for (size_t k = 0; k < i; k++)
            if (strcmp(s->requirements.items[k], text) == 0)
                return yaml_error(&r->file, list->items[i], err, "this is there twice");
    }
    return 0;
}

static int load(const struct recipe *r, const struct yaml_node *node, void *spec, struct error *err)
{
    static const char *const keys[] = {"type",       "requirements", "format", "python",
                                       "transitive", "drop",         NULL};
    struct pypi_spec *s = spec;
    const struct yaml_node *transitive = yaml_get(node, "transitive");
    int e;
    if ((e = fields_check(&r->file, node, keys, err)) < 0 ||
        (e = fields_need_strings(&r->file, node, "requirements", &s->requirements, err)) < 0 ||
        (e = fields_get_strings(&r->file, node, "drop", &s->drop, err)) < 0 ||
        (e = load_format(r, node, s, err)) < 0 || (e = load_python(r, node, s, err)) < 0 ||
        (transitive && (e = yaml_bool(&r->file, transitive, &s->transitive, err)) < 0))
        return e;
    return check_requirements(r, node, s, err);
}

/* pip */

static char *pypi_dir(const struct source_context *ctx, const char *name)
{
    AUTO_FREE char *pypi = path_join(ctx->cache_dir, "pypi");
    return path_join(pypi, name);
}

static int run_pip(const struct source_context *ctx, const struct strv *arguments,
                   struct strbuf *out, struct error *err)
{
    static const char *const program[] = {PYTHON, "-I", "-m", "pip", NULL};
    STRV(argv);
    strv_add_all(&argv, program);
    strv_add_all(&argv, (const char *const *) arguments->items);
    const struct process_options opts = {
        .out = out, .timeout_ms = PIP_TIMEOUT_MS, .cancel = ctx->cancel, .die_with_parent = true};
    int r = process_runv(&argv, &opts, NULL, err);
    if (r == -ENOENT || (r == -EREMOTEIO && err && strstr(err->text, "No module named pip")))
        return error_remedy(err, "apt-get install python3-pip");
    return r == -EREMOTEIO ? error_remedy(err, "the index that pip is set up for has to be "
                                               "reachable: pip config list shows it")
                           : r;
}

static const char *machine(const struct recipe *r)
{
    return architecture_machine(r->architecture);
}

/* What pip has to know to choose for another machine than this one. */
static void add_target(const struct source_context *ctx, const struct pypi_spec *s,
                       struct strv *argv)
{
    static const char *const fixed[] = {"--quiet",
                                        "--no-input",
                                        "--disable-pip-version-check",
                                        "--no-compile",
                                        "--root-user-action",
                                        "ignore",
                                        "--only-binary",
                                        ":all:",
                                        "--implementation",
                                        "cp",
                                        NULL};
    AUTO_FREE char *cache = pypi_dir(ctx, "cache");
    strv_add_all(argv, fixed);
    strv_add(argv, "--cache-dir");
    strv_add(argv, cache);
    strv_add(argv, "--python-version");
    strv_add(argv, s->python);
    for (int minor = GLIBC_MINOR_MAX; minor >= GLIBC_MINOR_MIN; minor--)
        strv_addf(argv, "--platform=manylinux_2_%d_%s", minor, machine(ctx->recipe));
    strv_addf(argv, "--platform=manylinux2014_%s", machine(ctx->recipe)); /* and older names */
    strv_addf(argv, "--platform=linux_%s", machine(ctx->recipe));
}

static int write_lines(const char *path, const struct strv *lines, struct error *err)
{
    AUTO_FREE char *text = strv_join(lines, "\n");
    return file_write_atomic(path, text, strlen(text), 0644, err);
}

static int fresh_work(const char *work, struct error *err)
{
    int r = access(work, F_OK) == 0 ? path_remove_tree(work, err) : 0;
    return r < 0 ? r : path_mkdir_p(work, 0755, err);
}

static int resolve_wheels(const struct source_context *ctx, const struct pypi_spec *s,
                          const char *work, json_t **out, struct error *err)
{
    AUTO_FREE char *list = path_join(work, "requirements.txt");
    AUTO_FREE char *report = path_join(work, "report.json");
    AUTO_FREE char *target = path_join(work, "target");
    const char *const install[] = {
        "install",       "--dry-run", "--ignore-installed", "--report", report,
        "--requirement", list,        "--target",           target,     NULL};
    STRV(argv);
    strv_add_all(&argv, install);
    if (!s->transitive)
        strv_add(&argv, "--no-deps");
    add_target(ctx, s, &argv);
    source_progress(ctx, "resolving with pip");
    int r;
    if ((r = write_lines(list, &s->requirements, err)) < 0 ||
        (r = run_pip(ctx, &argv, NULL, err)) < 0)
        return r;
    AUTO_JSON *json = json_parse_file(report, REPORT_MAX, err);
    return json ? pypi_read_report(json, out, err) : -EBADMSG;
}

static int install_wheels(const struct source_context *ctx, const struct pypi_spec *s,
                          const json_t *locked, const char *dir, struct error *err)
{
    AUTO_FREE char *work = pypi_dir(ctx, "work");
    AUTO_FREE char *list = path_join(work, "requirements.txt");
    const char *const install[] = {
        "install", "--no-deps", "--require-hashes", "--requirement", list, "--target", dir, NULL};
    STRV(argv);
    STRV(lines);
    const char *pin;
    json_t *digest;
    json_object_foreach((json_t *) locked, pin, digest)
        strv_addf(&lines, "%s --hash=%s", pin, json_string_value(digest));
    /* "sha256:" and hex is how pip writes hashes, too */
    strv_add_all(&argv, install);
    add_target(ctx, s, &argv);
    source_progress(ctx, "installing %zu wheels with pip", lines.count);
    int r;
    if ((r = fresh_work(work, err)) < 0 || (r = write_lines(list, &lines, err)) < 0 ||
        (r = run_pip(ctx, &argv, NULL, err)) < 0)
        return r;
    return path_remove_tree(work, err);
}

static int set_plain_mode(void *userdata, const char *path, const char *full, const struct stat *st,
                          struct error *err)
{
    (void) userdata;
    (void) path;
    if (S_ISLNK(st->st_mode))
        return 0;
    mode_t mode = S_ISDIR(st->st_mode) || st->st_mode & S_IXUSR ? 0755 : 0644;
    return chmod(full, mode) < 0 ? error_errno(err, -errno, "chmod %s", full) : 0;
}

/* Source distributions */

struct sdist {
    char *url;
    char digest[DIGEST_SIZE];
};

static int find_index(const struct source_context *ctx, char **out, struct error *err)
{
    STRV(argv);
    STRBUF(reply, REPLY_MAX);
    static const char *const list[] = {"config", "list", NULL};
    strv_add_all(&argv, list);
    int r = run_pip(ctx, &argv, &reply, err);
    if (r < 0)
        return r;
    *out = pypi_configured_index(reply.data);
    if (!*out)
        *out = xstrdup(DEFAULT_INDEX);
    return 0;
}

static struct fetcher *open_fetcher(const struct source_context *ctx)
{
    return fetcher_new(&(struct fetch_settings){.cancel = ctx->cancel});
}

static int look_up(struct fetcher *f, const char *index, const char *pin, struct sdist *out,
                   struct error *err)
{
    AUTO_FREE char *project = xstrndup(pin, strcspn(pin, "="));
    AUTO_FREE char *name = pypi_normal_name(project);
    size_t len = strlen(index);
    AUTO_FREE char *url = xasprintf("%s%s%s/", index, len && index[len - 1] == '/' ? "" : "/",
                                    name);
    STRV(headers);
    STRBUF(body, INDEX_MAX);
    AUTO_RESPONSE answer = {0};
    strv_add(&headers, ACCEPT);
    const struct fetch_request request = {.url = url, .headers = &headers};
    int r = fetch_get(f, &request, &body, &answer, err);
    if (r < 0)
        return error_prefix(err, "look up %s in the package index", name);
    if (answer.status != 200)
        return error_set(err, -EREMOTEIO, "the package index answers %ld for %s", answer.status,
                         name);
    AUTO_JSON *json = json_parse(body.data, body.len, "the package index", err);
    const char *found = NULL, *hex = NULL;
    if (!json)
        return error_remedy(err, "an index that answers as JSON (PEP 691) is needed");
    if ((r = pypi_find_sdist(json, pin, &found, &hex, err)) < 0)
        return r;
    out->url = pypi_resolve_url(answer.url ? answer.url : url, found);
    STRBUF(digest, DIGEST_SIZE);
    strbuf_addf(&digest, "sha256:%s", hex);
    memcpy(out->digest, digest.data, DIGEST_SIZE);
    return 0;
}

static int resolve_sdists(const struct source_context *ctx, const struct pypi_spec *s, json_t **out,
                          struct error *err)
{
    AUTO_FREE char *index = NULL;
    AUTO_FETCHER *f = open_fetcher(ctx);
    AUTO_JSON *set = json_object();
    int r = find_index(ctx, &index, err);
    for (size_t i = 0; r == 0 && i < s->requirements.count; i++) {
        struct sdist found = {0};
        source_progress(ctx, "looking up %s", s->requirements.items[i]);
        r = look_up(f, index, s->requirements.items[i], &found, err);
        if (r == 0)
            json_object_set_new(set, s->requirements.items[i], json_string(found.digest));
        free(found.url);
    }
    if (r == 0)
        *out = TAKE_PTR(set);
    return r;
}

static int take_sdist(const struct source_context *ctx, struct fetcher *f, const char *index,
                      const char *pin, const char *digest, const char *dir, struct error *err)
{
    struct sdist found = {0};
    int r = look_up(f, index, pin, &found, err);
    if (r < 0)
        return r;
    AUTO_FREE char *url = found.url;
    AUTO_FREE char *folder = pypi_dir(ctx, "sdist");
    AUTO_FREE char *path = xasprintf("%s/%s.tar.gz", folder, digest + strlen("sha256:"));
    const struct fetch_request request = {.url = url};
    AUTO_RESPONSE answer = {0};
    source_progress(ctx, "fetching %s", pin);
    r = path_mkdir_p(folder, 0755, err);
    if (r == 0)
        r = fetch_file(f, &request, path, digest, -1, SDIST_MAX, &answer, err);
    if (r < 0)
        return error_prefix(err, "%s", pin);
    source_progress(ctx, "unpacking %s", pin);
    r = unpack_tar(ctx, path, dir, err);
    if (r == 0 && unlink(path) < 0)
        r = error_errno(err, -errno, "remove %s", path);
    return r;
}

static int take_sdists(const struct source_context *ctx, const json_t *locked, const char *dir,
                       struct error *err)
{
    AUTO_FREE char *index = NULL;
    AUTO_FETCHER *f = open_fetcher(ctx);
    const char *pin;
    json_t *digest;
    int r = find_index(ctx, &index, err);
    json_object_foreach((json_t *) locked, pin, digest)
        if (r == 0)
            r = take_sdist(ctx, f, index, pin, json_string_value(digest), dir, err);
    return r;
}

/* The source */

static char *request_text(const struct source_context *ctx, const struct pypi_spec *s)
{
    STRV(list);
    strv_add_all(&list, (const char *const *) s->requirements.items);
    strv_sort(&list);
    AUTO_FREE char *text = strv_join(&list, " ");
    return s->sdist ? xasprintf("%s as sdist", text)
                    : xasprintf("%s%s for Python %s on %s", text,
                                s->transitive ? " and all that they need" : "", s->python,
                                machine(ctx->recipe));
}

static int resolve(const struct source_context *ctx, const struct pypi_spec *s, const char *request,
                   struct error *err)
{
    AUTO_FREE char *work = pypi_dir(ctx, "work");
    AUTO_JSON *set = NULL;
    int r = fresh_work(work, err);
    if (r == 0)
        r = s->sdist ? resolve_sdists(ctx, s, &set, err) : resolve_wheels(ctx, s, work, &set, err);
    return r < 0 ? r : lock_pin_set(ctx->lock, LOCK_PYPI, request, set, err);
}

/* What pip writes beside a wheel's own files depends on its version. */
static int set_pip_version(const struct source_context *ctx, json_t *in, struct error *err)
{
    STRV(argv);
    STRBUF(reply, REPLY_MAX);
    strv_add(&argv, "--version");
    int r = run_pip(ctx, &argv, &reply, err);
    if (r == 0)
        json_object_set_new(in, "pip",
                            json_sprintf("%.*s", (int) strcspn(reply.data, "/\n"), reply.data));
    return r;
}

static int inputs(const struct source_context *ctx, const void *spec, json_t *in, struct error *err)
{
    const struct pypi_spec *s = spec;
    AUTO_FREE char *request = request_text(ctx, s);
    int r = lock_get_set(ctx->lock, LOCK_PYPI, request) ? 0 : resolve(ctx, s, request, err);
    if (r < 0)
        return r;
    json_object_set_new(in, "files", json_deep_copy(lock_get_set(ctx->lock, LOCK_PYPI, request)));
    if (s->drop.count)
        json_object_set_new(in, "drop", json_texts(&s->drop));
    if (s->sdist)
        return 0;
    json_object_set_new(in, "python", json_string(s->python));
    json_object_set_new(in, "machine", json_string(machine(ctx->recipe)));
    return set_pip_version(ctx, in, err);
}

static int produce(const struct source_context *ctx, const void *spec, const char *dir,
                   json_t *about, struct error *err)
{
    const struct pypi_spec *s = spec;
    AUTO_FREE char *request = request_text(ctx, s);
    const json_t *locked = lock_get_set(ctx->lock, LOCK_PYPI, request);
    int r = s->sdist ? take_sdists(ctx, locked, dir, err)
                     : install_wheels(ctx, s, locked, dir, err);
    if (r == 0 && !s->sdist)
        r = walk(dir, set_plain_mode, NULL, err);
    if (r == 0)
        r = drop_matching(dir, &s->drop, err);
    if (r < 0)
        return r;
    json_object_set_new(about, "type", json_string("pypi"));
    json_object_set_new(about, "distributions", json_deep_copy(locked));
    return 0;
}

/* The folder of a distribution: NAME-VERSION.dist-info of a wheel, NAME-VERSION of an sdist, NAME
 * written in whatever way. */
static int find_folder(const char *dir, const char *pin, bool sdist, char **out, struct error *err)
{
    AUTO_DIR *d = opendir(dir);
    if (!d)
        return error_errno(err, -errno, "list %s", dir);
    for (struct dirent *e; !*out && (e = readdir(d));)
        if (pypi_is_folder_of(e->d_name, pin, sdist))
            *out = path_join(dir, e->d_name);
    return 0;
}

static int add_part(const struct pypi_spec *s, const struct cache_entry *result, const char *pin,
                    const char *digest, struct parts *out, struct error *err)
{
    AUTO_FREE char *folder = NULL;
    AUTO_FREE char *name = xstrndup(pin, strcspn(pin, "="));
    const char *version = strstr(pin, "==") + 2;
    AUTO_FREE char *to = xasprintf("pypi/%s-%s", name, version);
    STRV(ids);
    int r = find_folder(result->dir, pin, s->sdist, &folder, err);
    if (r == 0 && folder) /* licences/LICENSE, as PEP 639 has it */
        r = parts_take_texts(out, folder, to, 1, &ids, err);
    if (r < 0)
        return r;
    AUTO_FREE char *purl = purl_pypi(name, version);
    AUTO_FREE char *licence = licence_expression(&ids);
    parts_add(
        out,
        &(struct part){
            .name = name, .version = version, .purl = purl, .digest = digest, .licence = licence});
    return 0;
}

static int parts(const struct source_context *ctx, const void *spec,
                 const struct cache_entry *result, struct parts *out, struct error *err)
{
    (void) ctx;
    const char *pin;
    json_t *digest;
    int r = 0;
    json_object_foreach(json_object_get(result->about, "distributions"), pin, digest)
        if (r == 0)
            r = add_part(spec, result, pin, json_string_value(digest), out, err);
    return r;
}

const struct source_type source_pypi = {.name = "pypi",
                                        .main_key = "requirements",
                                        .spec_size = sizeof(struct pypi_spec),
                                        .load = load,
                                        .release = release,
                                        .inputs = inputs,
                                        .produce = produce,
                                        .parts = parts};
