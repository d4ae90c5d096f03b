#include "coordinator/bundle-args.h"
#include "coordinator/command.h"
#include "images/bundle-store.h"
#include "images/contents.h"
#include "images/sbom.h"
#include "lib/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MEGABYTE 1e6
#define DIGEST_SHOWN 12 /* hex digits, as others show them */
#define SOURCE_SHOWN 48

struct inspect_arguments {
    struct strv keys;
    int output;
    bool sbom;
};

enum { OUTPUT_PLAIN, OUTPUT_JSON };

static const struct option_spec options[] = {
    {"output", 0, OPTION_CHOICE, offsetof(struct inspect_arguments, output), "plain|json",
     "a table for people, or one object of JSON"},
    {"sbom", 0, OPTION_FLAG, offsetof(struct inspect_arguments, sbom), NULL,
     "print what everything in it is made of, as an SPDX document"},
    OPTION_KEYS(struct inspect_arguments, keys),
    OPTION_END,
};

static void arguments_release(struct inspect_arguments *o)
{
    strv_release(&o->keys);
}

static const char *role_words(unsigned roles)
{
    if (roles == 0)
        return "coordinator";
    if (roles == CONTENTS_ALL_ROLES)
        return "all";
    return roles == COMPONENT_WORKER ? "worker" : "control-plane";
}

static json_t *component_json(const struct bundle *b, const struct component *c,
                              const json_t *shared)
{
    AUTO_JSON *blobs = contents_of(b, c);
    AUTO_JSON *common = json_object();
    AUTO_FREE char *source = contents_source(b, c);
    const char *digest;
    json_t *size;
    json_object_foreach(blobs, digest, size)
        if (json_object_get(shared, digest))
            json_object_set(common, digest, size);
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:s*}", "name", c->name, "kind",
                     component_kind_name(c->kind), "version", c->version, "roles",
                     role_words(c->roles), "size", (json_int_t) contents_size(blobs), "blobs",
                     (json_int_t) json_object_size(blobs), "shared_size",
                     (json_int_t) contents_size(common), "source", source, "digest",
                     c->manifest ? c->manifest : c->blob, "ref", c->ref);
}

/* Without keys to trust it says whose it claims to be, and that this proves nothing. */
static json_t *signature_json(const struct bundle *b)
{
    char id[KEY_ID_TEXT];
    if (b->signature.key_id[0])
        return json_pack("{s:s, s:s, s:s}", "state", "verified", "key", b->signature.key_id,
                         "comment", b->signature.comment);
    if (!b->signature_text)
        return json_pack("{s:s}", "state", "none");
    if (signature_claimed_key(b->signature_text, strlen(b->signature_text), id, NULL) < 0)
        return json_pack("{s:s}", "state", "malformed");
    return json_pack("{s:s, s:s}", "state", "not verified", "key", id);
}

static json_t *describe(const struct bundle *b)
{
    const json_t *blobs = json_object_get(b->json, "blobs");
    AUTO_JSON *shared = contents_shared(b);
    json_t *components = json_array();
    for (size_t i = 0; i < b->component_count; i++)
        json_array_append_new(components, component_json(b, &b->components[i], shared));
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:s*, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "path", b->path,
        "form", bundle_store_is_file(b->store) ? "file" : "folder", "product", b->product,
        "architecture", b->architecture, "serial", (json_int_t) b->serial, "kubernetes",
        b->kubernetes, "created", json_get_string(b->json, "created", ""), "signature",
        signature_json(b), "components", components, "blobs", (json_int_t) json_object_size(blobs),
        "size", (json_int_t) contents_size(blobs), "shared_blobs",
        (json_int_t) json_object_size(shared), "shared_size", (json_int_t) contents_size(shared),
        "deltas", (json_int_t) json_object_size(json_object_get(b->json, "deltas")));
}

static void print_component(const json_t *c, int64_t total)
{
    int64_t size = json_get_int(c, "size", 0);
    const char *source = json_get_string(c, "source", "");
    (void) printf("%-24s %-5s %-16s %-13s %9.1f MB %4.1f%%  %.*s  %-*.*s\n",
                  json_get_string(c, "name", ""), json_get_string(c, "kind", ""),
                  json_get_string(c, "version", ""), json_get_string(c, "roles", ""),
                  (double) size / MEGABYTE, total ? 100 * (double) size / (double) total : 0.0,
                  DIGEST_SHOWN, json_get_string(c, "digest", "") + strlen("sha256:"), 0,
                  SOURCE_SHOWN, *source ? source : "-");
}

static void print_signature(const json_t *s)
{
    const char *state = json_get_string(s, "state", "");
    const char *key = json_get_string(s, "key", "");
    if (strcmp(state, "verified") == 0)
        (void) printf("signature: verified, key %s (%s)\n", key, json_get_string(s, "comment", ""));
    else if (*key)
        (void) printf("signature: says it is by key %s; not verified without --key NAME.pub\n",
                      key);
    else
        (void) printf("signature: %s\n", state);
}

static void print_table(const json_t *d)
{
    int64_t total = json_get_int(d, "size", 0);
    size_t i;
    json_t *c;
    const char *kubernetes = json_get_string(d, "kubernetes", "");
    (void) printf("%s (%s): %s for %s, serial %lld%s%s\n\n", json_get_string(d, "path", ""),
                  json_get_string(d, "form", ""), json_get_string(d, "product", ""),
                  json_get_string(d, "architecture", ""), (long long) json_get_int(d, "serial", 0),
                  *kubernetes ? ", Kubernetes " : "", kubernetes);
    (void) printf("%-24s %-5s %-16s %-13s %12s %5s  %-12s  %s\n", "COMPONENT", "KIND", "VERSION",
                  "ROLES", "SIZE", "SHARE", "DIGEST", "SOURCE");
    json_array_foreach(json_object_get(d, "components"), i, c)
        print_component(c, total);
    (void) printf("\n%zu components, %lld blobs, %.1f MB", i,
                  (long long) json_get_int(d, "blobs", 0), (double) total / MEGABYTE);
    if (json_get_int(d, "shared_blobs", 0))
        (void) printf("; %lld of the blobs are in several components, and here once, %.1f MB",
                      (long long) json_get_int(d, "shared_blobs", 0),
                      (double) json_get_int(d, "shared_size", 0) / MEGABYTE);
    if (json_get_int(d, "deltas", 0))
        (void) printf("; deltas for %lld blobs", (long long) json_get_int(d, "deltas", 0));
    (void) fputc('\n', stdout);
    print_signature(json_object_get(d, "signature"));
}

/* Hashed first: what is printed is what the list names. */
static int print_sbom(const struct bundle *b, struct error *err)
{
    AUTO_FREE char *text = NULL;
    size_t size;
    if (!b->sbom)
        return error_set(err, -ENOENT, "%s has no SBOM", b->path);
    int r = bundle_blob_text(b, b->sbom, SBOM_MAX, &text, &size, err);
    if (r < 0)
        return error_prefix(err, "the SBOM of %s", b->path);
    return fwrite(text, 1, size, stdout) == size
               ? 0
               : error_errno(err, -errno, "write to standard output");
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct inspect_arguments o = {0};
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    STRV(paths);
    if (command_parse(&cmd_bundle_inspect, argc, argv, &o, &paths, 0, 1) != 0)
        return EXIT_BAD_INPUT;
    AUTO_FREE char *cache = path_cache_dir();
    AUTO_FREE char *path = paths.count ? xstrdup(paths.items[0]) : path_join(cache, "bundle");
    int code = bundle_args_open(path, &o.keys, &b);
    if (code != EXIT_DONE)
        return code;
    struct error err = ERROR_INIT;
    if (o.sbom)
        return print_sbom(&b, &err) < 0 ? command_fail(EXIT_BAD_INPUT, &err) : EXIT_DONE;
    AUTO_JSON *description = describe(&b);
    if (o.output == OUTPUT_JSON) {
        AUTO_FREE char *text = json_dumps(description, JSON_COMPACT);
        (void) puts(text);
    } else {
        print_table(description);
    }
    return EXIT_DONE;
}

const struct command cmd_bundle_inspect = {
    .name = "bundle inspect",
    .synopsis = "[BUNDLE]",
    .summary = "show what a bundle holds; default: the one in our cache",
    .options = options,
    .help = "A table of contents. Reads the list only; `bundle verify` looks at every byte.\n\n"
            "example: bigtop-bootstrap bundle inspect ./bundle",
    .run = run,
};
