#include "coordinator/bundle-args.h"
#include "coordinator/command.h"
#include "coordinator/view.h"
#include "images/contents.h"

#include <stdio.h>
#include <string.h>

#define MEGABYTE 1e6

struct diff_arguments {
    struct strv keys;
    int output;
};

enum { OUTPUT_PLAIN, OUTPUT_JSON };

static const struct option_spec options[] = {
    {"output", 0, OPTION_CHOICE, offsetof(struct diff_arguments, output), "plain|json",
     "a table for people, or one object of JSON"},
    OPTION_KEYS(struct diff_arguments, keys),
    OPTION_END,
};

static void arguments_release(struct diff_arguments *o)
{
    strv_release(&o->keys);
}

static bool same_content(const struct bundle *from, const struct component *a,
                         const struct bundle *to, const struct component *b)
{
    AUTO_JSON *x = contents_of(from, a);
    AUTO_JSON *y = contents_of(to, b);
    return a->kind == b->kind && a->roles == b->roles && json_equal(x, y) &&
           (!a->ref || strcmp(a->ref, b->ref) == 0);
}

/* What of a component a host lacks that has the old bundle; a stack is for no host. */
static int64_t lacking(const struct bundle *from, const struct bundle *to,
                       const struct component *c)
{
    if (c->kind == COMPONENT_STACK)
        return 0;
    AUTO_JSON *have = contents_needed(from, c->roles);
    AUTO_JSON *need = contents_of(to, c);
    const char *digest;
    json_t *size;
    json_object_foreach(have, digest, size)
        json_object_del(need, digest);
    return contents_size(need);
}

static json_t *change(const struct component *from, const struct component *to, int64_t bytes)
{
    const char *what = !from ? "added" : !to ? "removed" : "changed";
    return json_pack("{s:s, s:s, s:s*, s:s*, s:I}", "component", from ? from->name : to->name,
                     "change", what, "from", from ? from->version : NULL, "to",
                     to ? to->version : NULL, "bytes", (json_int_t) bytes);
}

/* In the order of the new bundle, then what it no longer has. */
static json_t *component_changes(const struct bundle *from, const struct bundle *to)
{
    json_t *list = json_array();
    for (size_t i = 0; i < to->component_count; i++) {
        const struct component *c = &to->components[i], *old = bundle_find(from, c->name);
        if (!old || !same_content(from, old, to, c) || strcmp(old->version, c->version) != 0)
            json_array_append_new(list, change(old, c, lacking(from, to, c)));
    }
    for (size_t i = 0; i < from->component_count; i++)
        if (!bundle_find(to, from->components[i].name))
            json_array_append_new(list, change(&from->components[i], NULL, 0));
    return list;
}

static json_t *upgrade_of(const struct bundle *from, const struct bundle *to, unsigned roles)
{
    CLEANUP(contents_upgrade_release) struct contents_upgrade u;
    AUTO_JSON *whole = contents_needed(to, roles);
    contents_upgrade(from, to, roles, &u);
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "blobs", (json_int_t) json_object_size(u.blobs),
                     "bytes", (json_int_t) u.size, "deltas", (json_int_t) u.delta_count,
                     "bytes_with_deltas", (json_int_t) u.delta_size, "bytes_of_all",
                     (json_int_t) contents_size(whole));
}

static json_t *side(const struct bundle *b)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:s*}", "path", b->path, "product", b->product,
                     "architecture", b->architecture, "serial", (json_int_t) b->serial,
                     "kubernetes", b->kubernetes);
}

static json_t *compare(const struct bundle *from, const struct bundle *to)
{
    return json_pack("{s:o, s:o, s:o, s:{s:o, s:o, s:o}}", "from", side(from), "to", side(to),
                     "components", component_changes(from, to), "upgrade", "control-plane",
                     upgrade_of(from, to, COMPONENT_CONTROL_PLANE), "worker",
                     upgrade_of(from, to, COMPONENT_WORKER), "all",
                     upgrade_of(from, to, CONTENTS_ALL_ROLES));
}

static void print_side(const char *word, const json_t *s)
{
    const char *kubernetes = json_get_string(s, "kubernetes", "");
    (void) printf("%s %s: %s for %s, serial %lld%s%s\n", word, json_get_string(s, "path", ""),
                  json_get_string(s, "product", ""), json_get_string(s, "architecture", ""),
                  (long long) json_get_int(s, "serial", 0), *kubernetes ? ", Kubernetes " : "",
                  kubernetes);
}

static void print_change(const json_t *c)
{
    STRBUF(versions, 256);
    const char *from = json_get_string(c, "from", ""), *to = json_get_string(c, "to", "");
    strbuf_addf(&versions, "%s%s%s", from, *from && *to ? " -> " : "", to);
    (void) printf("  %-8s %-24s %-24s", json_get_string(c, "change", ""),
                  json_get_string(c, "component", ""), versions.data);
    if (*to)
        (void) printf(" %9.1f MB", (double) json_get_int(c, "bytes", 0) / MEGABYTE);
    (void) fputc('\n', stdout);
}

static void print_upgrade(const char *who, const json_t *u)
{
    (void) printf("%s %lld blobs, %.1f MB of %.1f", who, (long long) json_get_int(u, "blobs", 0),
                  (double) json_get_int(u, "bytes", 0) / MEGABYTE,
                  (double) json_get_int(u, "bytes_of_all", 0) / MEGABYTE);
    if (json_get_int(u, "deltas", 0) > 0)
        (void) printf("; %.1f MB with %lld deltas",
                      (double) json_get_int(u, "bytes_with_deltas", 0) / MEGABYTE,
                      (long long) json_get_int(u, "deltas", 0));
    (void) fputc('\n', stdout);
}

static void print_plain(const json_t *result)
{
    const json_t *changes = json_object_get(result, "components");
    const json_t *upgrade = json_object_get(result, "upgrade");
    size_t i;
    json_t *c;
    print_side("from", json_object_get(result, "from"));
    print_side("to  ", json_object_get(result, "to"));
    json_array_foreach(changes, i, c)
        print_change(c);
    if (json_array_size(changes) == 0)
        (void) puts("  the same components");
    (void) puts("a host that has all of the first lacks of the second:");
    print_upgrade("  control plane:", json_object_get(upgrade, "control-plane"));
    print_upgrade("  worker:       ", json_object_get(upgrade, "worker"));
    print_upgrade("  both:         ", json_object_get(upgrade, "all"));
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct diff_arguments o = {0};
    CLEANUP(bundle_release) struct bundle from = BUNDLE_INIT, to = BUNDLE_INIT;
    STRV(paths);
    if (command_parse(&cmd_bundle_diff, argc, argv, &o, &paths, 2, 2) != 0)
        return EXIT_BAD_INPUT;
    int code;
    if ((code = bundle_args_open(paths.items[0], &o.keys, &from)) != EXIT_DONE ||
        (code = bundle_args_open(paths.items[1], &o.keys, &to)) != EXIT_DONE)
        return code;
    AUTO_JSON *result = compare(&from, &to);
    if (o.output == OUTPUT_JSON) {
        AUTO_FREE char *text = json_dumps(result, JSON_COMPACT);
        (void) puts(text);
    } else {
        print_plain(result);
    }
    return EXIT_DONE;
}

const struct command cmd_bundle_diff = {
    .name = "bundle diff",
    .synopsis = "OLD NEW",
    .summary = "show what an upgrade from one bundle to another would carry",
    .options = options,
    .help =
        "Components that came, went and changed; and how many bytes a host that has all of OLD\n"
        "needs to have all of NEW, with the deltas that NEW brings and without. Blobs that both\n"
        "have are not carried. Reads the lists only.\n\n"
        "example: bigtop-bootstrap bundle diff ./bundle-7 ./bundle-8",
    .run = run,
};
