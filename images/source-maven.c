/* type: maven — files of Maven's repositories.
 *   artifacts: [GROUP:ARTIFACT:VERSION[:CLASSIFIER][@TYPE], …]
 *   transitive: false      true: with all that they need at run time, as Maven resolves it
 *   exclude: [GROUP:ARTIFACT, …]   of what they need; "*" stands for any
 *   unpack: false          true: tar archives are unpacked where they would stand
 *   drop: [PATTERN, …]     files and folders that are left out (images/drop.h)
 *   repository: URL        instead of Central
 * Each file stands in the root as ARTIFACT-VERSION[-CLASSIFIER].TYPE. Maven itself resolves and
 * fetches, with the user's own settings (mirrors, proxies, ~/.m2) but for one thing: the further
 * repositories that projects name are never asked. What it brings is pinned in the lock file. */
#include "images/drop.h"
#include "images/fields.h"
#include "images/licence.h"
#include "images/maven.h"
#include "images/purl.h"
#include "images/source.h"
#include "images/unpack.h"
#include "images/walk.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLUGIN "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
#define MAVEN_TIMEOUT_MS (60 * 60 * 1000)
#define PROJECT_MAX (4 * 1024 * 1024)

struct maven_spec {
    struct strv artifacts, exclude, drop;
    const char *repository; /* NULL: Central */
    bool transitive, unpack;
};

static void release(void *spec)
{
    struct maven_spec *s = spec;
    strv_release(&s->artifacts);
    strv_release(&s->exclude);
    strv_release(&s->drop);
}

/* The recipe */

static int check_artifacts(const struct recipe *r, const struct yaml_node *node,
                           const struct maven_spec *s, struct error *err)
{
    const struct yaml_node *list = yaml_get(node, "artifacts");
    for (size_t i = 0; i < s->artifacts.count; i++) {
        AUTO_COORDINATE c = {0};
        if (!maven_coordinate_parse(s->artifacts.items[i], &c))
            return yaml_error(&r->file, list->items[i], err,
                              "expected GROUP:ARTIFACT:VERSION[:CLASSIFIER][@TYPE] of a release");
        for (size_t k = 0; k < i; k++)
            if (strcmp(s->artifacts.items[k], s->artifacts.items[i]) == 0)
                return yaml_error(&r->file, list->items[i], err, "this artifact is there twice");
    }
    return 0;
}

static int check_exclude(const struct recipe *r, const struct yaml_node *node,
                         const struct maven_spec *s, struct error *err)
{
    const struct yaml_node *list = yaml_get(node, "exclude");
    for (size_t i = 0; i < s->exclude.count; i++)
        if (!maven_is_exclusion(s->exclude.items[i]))
            return yaml_error(&r->file, list->items[i], err, "expected GROUP:ARTIFACT");
    if (s->exclude.count && !s->transitive)
        return yaml_error(&r->file, list, err, "\"exclude\" needs \"transitive: true\"");
    return 0;
}

static int load_flag(const struct recipe *r, const struct yaml_node *node, const char *key,
                     bool *out, struct error *err)
{
    const struct yaml_node *value = yaml_get(node, key);
    return value ? yaml_bool(&r->file, value, out, err) : 0;
}

static int load(const struct recipe *r, const struct yaml_node *node, void *spec, struct error *err)
{
    static const char *const keys[] = {"type",   "artifacts", "transitive", "exclude",
                                       "unpack", "drop",      "repository", NULL};
    struct maven_spec *s = spec;
    const struct yaml_file *f = &r->file;
    int e;
    if ((e = fields_check(f, node, keys, err)) < 0 ||
        (e = fields_need_strings(f, node, "artifacts", &s->artifacts, err)) < 0 ||
        (e = fields_get_strings(f, node, "exclude", &s->exclude, err)) < 0 ||
        (e = fields_get_strings(f, node, "drop", &s->drop, err)) < 0 ||
        (e = load_flag(r, node, "transitive", &s->transitive, err)) < 0 ||
        (e = load_flag(r, node, "unpack", &s->unpack, err)) < 0 ||
        (e = fields_get_string(f, node, "repository", &s->repository, err)) < 0 ||
        (e = check_artifacts(r, node, s, err)) < 0)
        return e;
    if (s->repository && !maven_is_repository(s->repository))
        return yaml_error(f, yaml_get(node, "repository"), err, "expected an https:// URL");
    return check_exclude(r, node, s, err);
}

/* Asking Maven */

struct asking {
    const struct source_context *ctx;
    char *cause; /* the first error that Maven tells */
};

static void asking_release(struct asking *a)
{
    free(a->cause);
}

static void on_line(void *userdata, bool is_stderr, const char *line)
{
    (void) is_stderr;
    struct asking *a = userdata;
    static const char fetched[] = "Downloaded from ", error[] = "[ERROR] ";
    const char *found = strstr(line,
                               fetched); /* "… central: https://…/x-1.jar (12 kB at 3 kB/s)" */
    if (found) {
        AUTO_FREE char *url = xstrndup(found, strcspn(found, "("));
        const char *name = strrchr(url, '/');
        source_progress(a->ctx, "fetched %s", name ? name + 1 : url);
    }
    if (!a->cause && strncmp(line, error, strlen(error)) == 0)
        a->cause = xstrdup(line + strlen(error));
}

/* Repositories that a project of somebody's names are none of ours. */
static int write_settings(const char *path, struct error *err)
{
    static const char text[] =
        "<settings><mirrors><mirror>\n"
        "  <id>not-asked</id><name>only Central is asked</name>\n"
        "  <mirrorOf>*,!central</mirrorOf><url>https://not-asked.invalid/</url>\n"
        "  <blocked>true</blocked>\n"
        "</mirror></mirrors></settings>\n";
    return file_write_atomic(path, text, strlen(text), 0644, err);
}

static char *maven_dir(const struct source_context *ctx, const char *name)
{
    AUTO_FREE char *maven = path_join(ctx->cache_dir, "maven");
    return path_join(maven, name);
}

static int write_request(const char *work, const struct strv *coordinates,
                         const struct strv *exclusions, const char *repository, struct error *err)
{
    AUTO_FREE char *project = path_join(work, "pom.xml");
    AUTO_FREE char *settings = path_join(work, "settings.xml");
    STRBUF(text, PROJECT_MAX);
    int r;
    if ((access(work, F_OK) == 0 && (r = path_remove_tree(work, err)) < 0) ||
        (r = path_mkdir_p(work, 0755, err)) < 0 || (r = write_settings(settings, err)) < 0)
        return r;
    maven_project(coordinates, exclusions, repository, &text);
    if (strbuf_full(&text))
        return error_set(err, -E2BIG, "more artifacts than a project can hold");
    return file_write_atomic(project, text.data, text.len, 0644, err);
}

static int run_maven(const struct source_context *ctx, const char *work, struct error *err)
{
    CLEANUP(asking_release) struct asking a = {.ctx = ctx};
    AUTO_FREE char *repository = maven_dir(ctx, "repository");
    STRV(argv);
    static const char *const program[] = {"mvn",
                                          "--batch-mode",
                                          "--strict-checksums",
                                          "-Dstyle.color=never",
                                          "--global-settings",
                                          "settings.xml",
                                          NULL};
    strv_add_all(&argv, program);
    strv_addf(&argv, "-Dmaven.repo.local=%s", repository);
    static const char *const goal[] = {PLUGIN ":copy-dependencies", "-DincludeScope=runtime",
                                       "-DoutputDirectory=files", "-Dmdep.useRepositoryLayout=true",
                                       NULL};
    strv_add_all(&argv, goal);
    const struct process_options opts = {.cwd = work,
                                         .on_line = on_line,
                                         .userdata = &a,
                                         .timeout_ms = MAVEN_TIMEOUT_MS,
                                         .cancel = ctx->cancel,
                                         .die_with_parent = true};
    int r = process_runv(&argv, &opts, NULL, err);
    if (r == -ENOENT)
        return error_remedy(err, "apt-get install maven");
    if (r == -EREMOTEIO && a.cause)
        error_set(err, r, "Maven: %s", a.cause);
    return r == -EREMOTEIO ? error_remedy(err, "Maven Central has to be reachable, directly or by "
                                               "a mirror in ~/.m2/settings.xml")
                           : r;
}

static int add_found(void *userdata, const char *path, const char *full, const struct stat *st,
                     struct error *err)
{
    AUTO_COORDINATE c = {0};
    char digest[DIGEST_SIZE];
    if (!S_ISREG(st->st_mode) || !maven_coordinate_of_path(path, &c))
        return 0;
    AUTO_FREE char *text = maven_coordinate_text(&c);
    int r = digest_file(full, digest, NULL, err);
    if (r == 0)
        json_object_set_new(userdata, text, json_string(digest));
    return r;
}

/* Leaves the files in WORK/files, laid out as a repository, and sets `found` (an object):
 * coordinates and digests. */
static int ask(const struct source_context *ctx, const struct strv *coordinates,
               const struct strv *exclusions, const char *repository, json_t *found,
               struct error *err)
{
    AUTO_FREE char *work = maven_dir(ctx, "work");
    AUTO_FREE char *files = path_join(work, "files");
    int r;
    if ((r = write_request(work, coordinates, exclusions, repository, err)) < 0 ||
        (r = run_maven(ctx, work, err)) < 0 || (r = walk(files, add_found, found, err)) < 0)
        return r;
    return json_object_size(found) ? 0 : error_set(err, -ENODATA, "Maven gave no files");
}

/* Inputs: what the request was resolved to, once */

/* The request as the lock file names it: all that the result of resolving follows from. */
static char *request_text(const struct maven_spec *s)
{
    STRV(artifacts);
    strv_add_all(&artifacts, (const char *const *) s->artifacts.items);
    strv_sort(&artifacts);
    AUTO_FREE char *list = strv_join(&artifacts, " ");
    AUTO_FREE char *without = strv_join(&s->exclude, " ");
    return xasprintf("%s%s%s%s%s%s", list, s->transitive ? " and all that they need" : "",
                     s->exclude.count ? " without " : "", without, s->repository ? " from " : "",
                     s->repository ? s->repository : "");
}

static void nothing_more(struct strv *exclusions)
{
    strv_add(exclusions, "*:*");
}

static int resolve(const struct source_context *ctx, const struct maven_spec *s,
                   const char *request, struct error *err)
{
    AUTO_JSON *found = json_object();
    STRV(exclusions);
    if (s->transitive)
        strv_add_all(&exclusions, (const char *const *) s->exclude.items);
    else
        nothing_more(&exclusions);
    source_progress(ctx, "resolving with Maven");
    int r = ask(ctx, &s->artifacts, &exclusions, s->repository, found, err);
    return r < 0 ? r : lock_pin_set(ctx->lock, LOCK_MAVEN, request, found, err);
}

static int inputs(const struct source_context *ctx, const void *spec, json_t *in, struct error *err)
{
    const struct maven_spec *s = spec;
    AUTO_FREE char *request = request_text(s);
    int r = lock_get_set(ctx->lock, LOCK_MAVEN, request) ? 0 : resolve(ctx, s, request, err);
    if (r < 0)
        return r;
    json_object_set_new(in, "files", json_deep_copy(lock_get_set(ctx->lock, LOCK_MAVEN, request)));
    json_object_set_new(in, "unpack", json_boolean(s->unpack));
    if (s->drop.count)
        json_object_set_new(in, "drop", json_texts(&s->drop));
    return 0;
}

/* The files */

/* Maven does not look again at what it has: a file of its cache that was damaged is fetched anew,
 * before the registry is blamed. True when something was dropped. */
static bool drop_damaged(const struct source_context *ctx, const json_t *locked,
                         const json_t *found)
{
    AUTO_FREE char *repository = maven_dir(ctx, "repository");
    const char *text;
    json_t *digest;
    bool dropped = false;
    json_object_foreach((json_t *) locked, text, digest) {
        AUTO_COORDINATE c = {0};
        if (json_equal(digest, json_object_get(found, text)) || !maven_coordinate_parse(text, &c))
            continue;
        AUTO_FREE char *folder = maven_folder(&c);
        AUTO_FREE char *path = path_join(repository, folder);
        dropped |= access(path, F_OK) == 0 && path_remove_tree(path, NULL) == 0;
    }
    return dropped;
}

static int fetch(const struct source_context *ctx, const struct maven_spec *s, const char *request,
                 struct error *err)
{
    const json_t *locked = lock_get_set(ctx->lock, LOCK_MAVEN, request);
    AUTO_JSON *found = json_object();
    STRV(exclusions);
    STRV(coordinates);
    const char *text;
    json_t *digest;
    nothing_more(&exclusions);
    json_object_foreach((json_t *) locked, text, digest)
        strv_add(&coordinates, text);
    source_progress(ctx, "fetching %zu files with Maven", coordinates.count);
    int r = ask(ctx, &coordinates, &exclusions, s->repository, found, err);
    if (r == 0 && !json_equal(found, locked) && drop_damaged(ctx, locked, found)) {
        json_object_clear(found);
        r = ask(ctx, &coordinates, &exclusions, s->repository, found, err);
    }
    return r < 0 ? r : lock_pin_set(ctx->lock, LOCK_MAVEN, request, found, err);
}

static int place(const struct source_context *ctx, const struct maven_spec *s, const char *text,
                 const char *dir, struct error *err)
{
    AUTO_COORDINATE c = {0};
    if (!maven_coordinate_parse(text, &c))
        return error_set(err, -EBADMSG, "\"%s\" is no Maven coordinate", text);
    AUTO_FREE char *folder = maven_folder(&c);
    AUTO_FREE char *name = maven_file_name(&c);
    AUTO_FREE char *work = maven_dir(ctx, "work/files");
    AUTO_FREE char *from = xasprintf("%s/%s/%s", work, folder, name);
    AUTO_FREE char *to = path_join(dir, name);
    if (s->unpack && unpack_is_tar(name)) {
        source_progress(ctx, "unpacking %s", name);
        return unpack_tar(ctx, from, dir, err);
    }
    if (access(to, F_OK) == 0)
        return error_set(err, -EEXIST, "%s: another group has a file %s as well", text, name);
    if (chmod(from, 0644) < 0 || rename(from, to) < 0)
        return error_errno(err, -errno, "take %s", from);
    return 0;
}

static int produce(const struct source_context *ctx, const void *spec, const char *dir,
                   json_t *about, struct error *err)
{
    const struct maven_spec *s = spec;
    AUTO_FREE char *request = request_text(s);
    int r = fetch(ctx, s, request, err);
    if (r < 0)
        return r;
    const json_t *locked = lock_get_set(ctx->lock, LOCK_MAVEN, request);
    const char *text;
    json_t *digest;
    json_object_foreach((json_t *) locked, text, digest)
        if ((r = place(ctx, s, text, dir, err)) < 0)
            return r;
    if ((r = drop_matching(dir, &s->drop, err)) < 0)
        return r;
    json_object_set_new(about, "type", json_string("maven"));
    json_object_set_new(about, "artifacts", json_deep_copy(locked));
    AUTO_FREE char *work = maven_dir(ctx, "work");
    return path_remove_tree(work, err);
}

/* What was unpacked lies together: its texts can't be told apart by artifact. */
static int add_part(const struct maven_spec *s, const struct cache_entry *result, const char *text,
                    const char *digest, struct parts *out, struct error *err)
{
    AUTO_COORDINATE c = {0};
    STRV(ids);
    if (!maven_coordinate_parse(text, &c))
        return error_set(err, -EBADMSG, "\"%s\" is no Maven coordinate", text);
    AUTO_FREE char *file = maven_file_name(&c);
    AUTO_FREE char *path = path_join(result->dir, file);
    AUTO_FREE char *stem = maven_folder(&c);
    AUTO_FREE char *to = path_join("maven", stem);
    bool unpacked = s->unpack && unpack_is_tar(file);
    bool zip = strcmp(c.type, "jar") == 0 || strcmp(c.type, "zip") == 0 ||
               strcmp(c.type, "war") == 0;
    int r = 0;
    if (!unpacked && access(path, F_OK) < 0)
        return 0; /* left out */
    if (unpacked)
        r = parts_take_texts(out, result->dir, to, 1, &ids, err);
    else if (zip)
        r = parts_take_zip(out, path, to, &ids, err);
    if (r < 0)
        return r;
    AUTO_FREE char *name = xasprintf("%s:%s", c.group, c.artifact);
    AUTO_FREE char *purl = purl_maven(text);
    AUTO_FREE char *licence = licence_expression(&ids);
    parts_add(out, &(struct part){.name = name,
                                  .version = c.version,
                                  .purl = purl,
                                  .digest = digest,
                                  .licence = licence});
    return 0;
}

static int parts(const struct source_context *ctx, const void *spec,
                 const struct cache_entry *result, struct parts *out, struct error *err)
{
    const struct maven_spec *s = spec;
    const char *text;
    json_t *digest;
    int r = 0;
    source_progress(ctx, "licences of the artifacts");
    json_object_foreach(json_object_get(result->about, "artifacts"), text, digest)
        if (r == 0)
            r = add_part(s, result, text, json_string_value(digest), out, err);
    return r;
}

const struct source_type source_maven = {.name = "maven",
                                         .main_key = "artifacts",
                                         .spec_size = sizeof(struct maven_spec),
                                         .load = load,
                                         .release = release,
                                         .inputs = inputs,
                                         .produce = produce,
                                         .parts = parts};
