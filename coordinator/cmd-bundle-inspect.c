#include "coordinator/command.h"
#include "coordinator/options.h"
#include "images/bundle.h"
#include "images/sbom.h"
#include "lib/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MEGABYTE 1e6

struct inspect_arguments {
    bool json, sbom;
};

static const struct option_spec options[] = {
    {"json", 0, OPTION_FLAG, offsetof(struct inspect_arguments, json), NULL,
     "print the bundle's own list, as one line of JSON"},
    {"sbom", 0, OPTION_FLAG, offsetof(struct inspect_arguments, sbom), NULL,
     "print what everything in it is made of, as an SPDX document"},
    OPTION_END,
};

static int64_t component_size(const struct bundle *b, const struct component *c)
{
    if (c->kind != COMPONENT_IMAGE)
        return bundle_blob_size(b, c->blob);
    int64_t size = bundle_blob_size(b, c->manifest);
    size_t i;
    json_t *digest;
    json_array_foreach(c->blobs, i, digest)
        size += bundle_blob_size(b, json_string_value(digest));
    return size;
}

static int64_t total_size(const struct bundle *b)
{
    int64_t total = 0;
    const char *digest;
    json_t *size;
    json_object_foreach(json_object_get(b->json, "blobs"), digest, size)
        total += (int64_t) json_integer_value(size);
    return total;
}

static const char *role_words(unsigned roles)
{
    if (roles == (COMPONENT_CONTROL_PLANE | COMPONENT_WORKER))
        return "all";
    return roles == COMPONENT_WORKER ? "worker" : "control-plane";
}

static void print_table(const struct bundle *b)
{
    static const char *const kinds[] = {"files", "image", "addon"};
    (void) printf("%s for %s, serial %lld, Kubernetes %s\n", b->product, b->architecture,
                  (long long) b->serial, b->kubernetes ? b->kubernetes : "none");
    for (size_t i = 0; i < b->component_count; i++) {
        const struct component *c = &b->components[i];
        (void) printf("  %-5s  %-23s %-9s  %-13s %7.1f MB  %s\n", kinds[c->kind], c->name,
                      c->version, role_words(c->roles), (double) component_size(b, c) / MEGABYTE,
                      c->ref ? c->ref : c->blob);
    }
    (void) printf("%zu components, %zu blobs, %.1f MB\n", b->component_count,
                  json_object_size(json_object_get(b->json, "blobs")),
                  (double) total_size(b) / MEGABYTE);
}

/* Hashed first: what is printed is what the list names. */
static int print_sbom(const struct bundle *b, struct error *err)
{
    AUTO_BLOB_SOURCE blob = BLOB_SOURCE_INIT;
    char digest[DIGEST_SIZE];
    if (!b->sbom)
        return error_set(err, -ENOENT, "%s has no SBOM", b->path);
    int r = bundle_blob_open(b, b->sbom, &blob, err);
    if (r < 0)
        return r;
    if (blob.size > SBOM_MAX)
        return error_set(err, -E2BIG, "the SBOM of %s has more than %d bytes", b->path, SBOM_MAX);
    AUTO_FREE char *text = xcalloc(1, blob.size + 1);
    if ((r = blob_source_read(&blob, 0, text, blob.size, err)) < 0)
        return r;
    digest_buffer(text, blob.size, digest);
    if (strcmp(digest, b->sbom) != 0)
        return error_set(err, -EBADMSG, "blob %s has the content of %s", b->sbom, digest);
    return fwrite(text, 1, blob.size, stdout) == blob.size
               ? 0
               : error_errno(err, -errno, "write to standard output");
}

static int run(int argc, char **argv)
{
    struct inspect_arguments o = {0};
    STRV(dirs);
    if (command_parse(&cmd_bundle_inspect, argc, argv, &o, &dirs, 0, 1) != 0)
        return EXIT_BAD_INPUT;
    AUTO_FREE char *cache = path_cache_dir();
    AUTO_FREE char *dir = dirs.count ? xstrdup(dirs.items[0]) : path_join(cache, "bundle");
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    if (bundle_open(dir, NULL, &b, &err) < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    if (o.sbom)
        return print_sbom(&b, &err) < 0 ? command_fail(EXIT_BAD_INPUT, &err) : EXIT_DONE;
    if (!o.json) {
        print_table(&b);
        return EXIT_DONE;
    }
    AUTO_FREE char *text = json_dumps(b.json, JSON_COMPACT);
    (void) puts(text);
    return EXIT_DONE;
}

const struct command cmd_bundle_inspect = {
    .name = "bundle inspect",
    .synopsis = "[DIR]",
    .summary = "show what a bundle holds; default: the one in our cache",
    .options = options,
    .help = "Reads the list only; `bundle verify` looks at every byte.\n\n"
            "example: bigtop-bootstrap bundle inspect ./bundle",
    .run = run,
};
