#include "images/papers.h"

#include "images/artifact.h"
#include "images/image.h"
#include "images/licence.h"
#include "images/sbom.h"
#include "images/walk.h"
#include "lib/archive.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PARTS_FORMAT 1   /* counted up when the same result gives other parts or texts */
#define ARCHIVE_FORMAT 1 /* counted up when the same texts give another archive */
#define NOTICE_MAX (16 * 1024 * 1024)

/* One source */

struct collecting {
    const struct papers *papers;
    const struct recipe_source *source;
    const struct cache_entry *result;
};

static int collect(void *userdata, const char *dir, json_t *about, struct error *err)
{
    const struct collecting *c = userdata;
    struct parts parts = {.list = json_array(), .dir = dir};
    json_object_set_new(about, "parts", parts.list);
    if (c->source->type->parts)
        return c->source->type->parts(c->papers->ctx, c->source->spec, c->result, &parts, err);
    STRV(ids);
    AUTO_FREE char *to = path_join("files", c->source->name);
    return parts_take_texts(&parts, c->result->dir, to, 0, &ids, err);
}

static int get_parts(const struct papers *p, size_t i, struct cache_entry *out, struct error *err)
{
    const struct recipe_source *s = &p->ctx->recipe->sources[i];
    struct collecting collecting = {.papers = p, .source = s, .result = &p->sources[i]};
    AUTO_FREE char *files = json_canonical(p->sources[i].files);
    char digest[DIGEST_SIZE];
    digest_buffer(files, strlen(files), digest);
    AUTO_JSON *inputs = json_pack("{s:s, s:i, s:s, s:s, s:s, s:O}", "type", "parts", "format",
                                  PARTS_FORMAT, "of", s->type->name, "name", s->name, "files",
                                  digest, "about", p->sources[i].about);
    int r = cache_get(p->cache, inputs, collect, &collecting, out, NULL, err);
    return r < 0 && r != -ECANCELED ? error_prefix(err, "licences of the source %s", s->name) : r;
}

/* The NOTICE */

static bool has_duty(const json_t *part)
{
    const char *licence = json_get_string(part, "licence", "");
    const char *named = json_get_string(part, "comment", "");
    return licence_wants_source(licence) || strstr(named, "GPL") || strstr(named, "MPL");
}

static const char *how_to_get(const char *purl)
{
    if (strncmp(purl, "pkg:golang/", 11) == 0)
        return "go mod download MODULE@VERSION";
    if (strncmp(purl, "pkg:deb/", 8) == 0)
        return "apt-get source PACKAGE=VERSION, or snapshot.debian.org";
    if (strncmp(purl, "pkg:maven/", 10) == 0)
        return "the artifact's \"sources\" classifier, or the project's own repository";
    if (strncmp(purl, "pkg:pypi/", 9) == 0)
        return "the source distribution of the same version in the package index";
    return "from where its package URL points to";
}

static void add_duties(const json_t *sources, struct strv *lines)
{
    const char *name;
    json_t *source, *part;
    size_t i;
    json_object_foreach((json_t *) sources, name, source) {
        json_array_foreach(json_object_get(source, "parts"), i, part) {
            if (!has_duty(part))
                continue;
            const char *purl = json_get_string(part, "purl", "");
            const char *licence = json_get_string(part, "licence", NULL);
            AUTO_FREE char *line = xasprintf(
                "%s %s\n    %s\n    source: %s\n", json_get_string(part, "name", ""),
                json_get_string(part, "version", ""),
                licence ? licence : json_get_string(part, "comment", ""), how_to_get(purl));
            if (!strv_contains(lines, line))
                strv_add(lines, line);
        }
    }
    strv_sort(lines);
}

void papers_notice(const char *product, const json_t *sources, struct strbuf *out)
{
    STRV(lines);
    add_duties(sources, &lines);
    strbuf_addf(
        out,
        "%s\n\n"
        "This bundle is made of the works of many people. Beside this file lie the licence\n"
        "texts and notices of each of them, by kind, name and version; " PAPERS_SBOM_FILE "\n"
        "lists them all.\n",
        product);
    if (lines.count == 0)
        return;
    strbuf_adds(
        out, "\n"
             "The works below are, at least in part, under licences by which whoever passes them\n"
             "on has to pass on their complete source as well, or offer it (GNU AGPL, also to\n"
             "those who use the work over a network; GNU GPL, LGPL; MPL and their like). They\n"
             "were built from, or taken from, exactly the versions named here, without changes;\n"
             "who passes this bundle on makes that source available on the same terms. It can be\n"
             "had as follows.\n\n");
    for (size_t i = 0; i < lines.count; i++)
        strbuf_adds(out, lines.items[i]);
}

/* The archive */

struct text {
    char *path, *full;
};

struct texts {
    struct text *items;
    size_t count;
};

static void texts_release(struct texts *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->items[i].path);
        free(t->items[i].full);
    }
    free(t->items);
}

static int add_text(void *userdata, const char *path, const char *full, const struct stat *st,
                    struct error *err)
{
    (void) err;
    struct texts *t = userdata;
    if (!S_ISREG(st->st_mode))
        return 0;
    if ((t->count & (t->count - 1)) == 0) /* a power of two: full */
        t->items = xrealloc(t->items, t->count ? t->count * 2 : 1, sizeof(*t->items));
    t->items[t->count++] = (struct text){.path = xstrdup(path), .full = xstrdup(full)};
    return 0;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct text *) a)->path, ((const struct text *) b)->path);
}

struct packing {
    const struct cache_entry *parts; /* as many as there are sources; dir NULL: none */
    size_t count;
    const char *notice;
    int64_t mtime;
};

/* Two sources that have the same part have the same texts: they are packed once. */
static int write_texts(const struct packing *p, struct archive_writer *w, struct error *err)
{
    CLEANUP(texts_release) struct texts t = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < p->count; i++)
        if (p->parts[i].dir)
            r = walk(p->parts[i].dir, add_text, &t, err);
    if (r == 0)
        r = archive_writer_data(w, "NOTICE", 0644, p->notice, strlen(p->notice), err);
    if (t.count)
        qsort(t.items, t.count, sizeof(*t.items), by_path);
    for (size_t i = 0; r == 0 && i < t.count; i++)
        if (i == 0 || strcmp(t.items[i - 1].path, t.items[i].path) != 0)
            r = archive_writer_file(w, t.items[i].path, 0644, t.items[i].full, err);
    return r;
}

static int pack(void *userdata, const char *dir, json_t *about, struct error *err)
{
    const struct packing *p = userdata;
    AUTO_FREE char *path = path_join(dir, PAPERS_LICENCES_FILE);
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_errno(err, -errno, "create %s", path);
    CLEANUP(archive_writer_abort) struct archive_writer *w = NULL;
    char digest[DIGEST_SIZE];
    uint64_t size;
    int r;
    if ((r = archive_writer_open(fd, ARCHIVE_ZSTD, p->mtime, &w, err)) < 0 ||
        (r = write_texts(p, w, err)) < 0 || (r = archive_writer_close(&w, err)) < 0 ||
        (r = digest_file(path, digest, &size, err)) < 0)
        return r;
    json_object_set_new(about, "digest", json_string(digest));
    json_object_set_new(about, "size", json_integer((json_int_t) size));
    return 0;
}

static json_t *packing_inputs(const struct packing *p)
{
    json_t *texts = json_array();
    for (size_t i = 0; i < p->count; i++)
        if (p->parts[i].dir)
            json_array_append(texts, p->parts[i].files);
    return json_pack("{s:s, s:i, s:s, s:I, s:o}", "type", "licences", "format", ARCHIVE_FORMAT,
                     "notice", p->notice, "mtime", (json_int_t) p->mtime, "texts", texts);
}

static int put_licences(const struct papers *p, const struct packing *packing, json_t *bigtop,
                        struct error *err)
{
    CLEANUP(cache_entry_release) struct cache_entry entry = CACHE_ENTRY_INIT;
    AUTO_JSON *inputs = packing_inputs(packing);
    struct artifact a = {
        .type = MEDIA_LICENCES, .media = MEDIA_LAYER, .title = PAPERS_LICENCES_FILE};
    int r;
    if ((r = cache_get(p->cache, inputs, pack, (void *) packing, &entry, NULL, err)) < 0 ||
        (r = json_need_string(entry.about, "digest", &a.digest, err)) < 0 ||
        (r = json_need_int(entry.about, "size", &a.size, err)) < 0)
        return r;
    AUTO_FREE char *path = path_join(entry.dir, PAPERS_LICENCES_FILE);
    if ((r = layout_put_file(p->layout, path, a.digest, a.size, err)) < 0)
        return r;
    json_object_set_new(bigtop, "licenses", json_string(a.digest));
    return artifact_put(p->layout, &a, PAPERS_LICENCES_FILE, err);
}

/* The SBOM */

/* {COMPONENT: [SOURCE, …]} */
static json_t *origins(const json_t *bigtop)
{
    json_t *map = json_object();
    size_t i;
    json_t *component;
    json_array_foreach(json_object_get(bigtop, "components"), i, component)
        json_object_set(map, json_get_string(component, "name", ""),
                        json_object_get(component, "sources"));
    return map;
}

static int put_sbom(const struct papers *p, const json_t *sources, json_t *bigtop,
                    struct error *err)
{
    STRBUF(text, SBOM_MAX);
    AUTO_JSON *from = origins(bigtop);
    char digest[DIGEST_SIZE];
    sbom_write(bigtop, sources, from, &text);
    if (strbuf_full(&text))
        return error_set(err, -E2BIG, "the SBOM would be larger than %d bytes", SBOM_MAX);
    int r = layout_put_data(p->layout, text.data, text.len, digest, err);
    if (r < 0)
        return r;
    const struct artifact a = {.type = MEDIA_SPDX,
                               .media = MEDIA_SPDX,
                               .title = PAPERS_SBOM_FILE,
                               .digest = digest,
                               .size = (int64_t) text.len};
    json_object_set_new(bigtop, "sbom", json_string(digest));
    return artifact_put(p->layout, &a, PAPERS_SBOM_FILE, err);
}

/* The whole */

static int add_both(const struct papers *p, struct cache_entry *parts, json_t *bigtop,
                    struct error *err)
{
    const struct recipe *recipe = p->ctx->recipe;
    AUTO_JSON *sources = json_object();
    STRBUF(notice, NOTICE_MAX);
    int r;
    for (size_t i = 0; i < recipe->source_count; i++) {
        if (!p->sources[i].dir)
            continue;
        if ((r = get_parts(p, i, &parts[i], err)) < 0)
            return r;
        json_object_set_new(sources, recipe->sources[i].name,
                            json_pack("{s:s, s:O}", "type", recipe->sources[i].type->name, "parts",
                                      json_object_get(parts[i].about, "parts")));
    }
    papers_notice(recipe->product, sources, &notice);
    const struct packing packing = {.parts = parts,
                                    .count = recipe->source_count,
                                    .notice = notice.data,
                                    .mtime = recipe->mtime};
    r = put_licences(p, &packing, bigtop, err);
    return r < 0 ? r : put_sbom(p, sources, bigtop, err);
}

int papers_add(const struct papers *p, json_t *bigtop, struct error *err)
{
    size_t count = p->ctx->recipe->source_count;
    AUTO_FREE struct cache_entry *parts = xcalloc(count + 1, sizeof(*parts));
    int r = add_both(p, parts, bigtop, err);
    for (size_t i = 0; i < count; i++)
        cache_entry_release(&parts[i]);
    return r;
}
