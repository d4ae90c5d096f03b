#include "coordinator/bundle-args.h"
#include "coordinator/command.h"
#include "coordinator/suggest.h"
#include "images/extract.h"
#include "images/pack.h"

#include <errno.h>
#include <stdio.h>

struct extract_arguments {
    struct strv keys;
    const char *out;
};

static const struct option_spec options[] = {
    {"out", 'o', OPTION_TEXT, offsetof(struct extract_arguments, out), "DIR",
     "the folder to write: a new one, or an empty one"},
    OPTION_KEYS(struct extract_arguments, keys),
    OPTION_END,
};

static void arguments_release(struct extract_arguments *o)
{
    strv_release(&o->keys);
}

static int unknown_component(const struct bundle *b, const char *name, struct error *err)
{
    struct suggestion near;
    char phrase[128];
    suggest_start(&near, name);
    for (size_t i = 0; i < b->component_count; i++)
        suggest_offer(&near, b->components[i].name);
    suggest_phrase(&near, phrase, sizeof(phrase));
    error_set(err, -ENOENT, "%s has no component '%s'%s", b->path, name, phrase);
    return error_remedy(err, "bigtop-bootstrap bundle inspect lists them");
}

static int extract_component(const struct bundle *b, const char *name, const char *dir,
                             struct error *err)
{
    static const char *const what[] = {"files", "an image, for skopeo: oci:DIR:", "an addon",
                                       "profiles of a stack"};
    const struct component *c = bundle_find(b, name);
    if (!c)
        return unknown_component(b, name, err);
    int r = bundle_extract(b, c, dir, err);
    if (r < 0)
        return r;
    (void) printf("%s: %s %s, %s%s\n", dir, c->name, c->version, what[c->kind],
                  c->kind == COMPONENT_IMAGE ? c->ref : "");
    return 0;
}

static int extract_all(const struct bundle *b, const char *dir, struct error *err)
{
    int r = bundle_unpack(b, dir, err);
    if (r < 0)
        return r;
    (void) printf("%s: the whole bundle, %zu components, every blob as announced\n", dir,
                  b->component_count);
    return 0;
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct extract_arguments o = {0};
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    STRV(words);
    if (command_parse(&cmd_bundle_extract, argc, argv, &o, &words, 1, 2) != 0)
        return EXIT_BAD_INPUT;
    if (!o.out)
        return command_usage(&cmd_bundle_extract, "an option is missing: --out DIR");
    int code = bundle_args_open(words.items[0], &o.keys, &b);
    if (code != EXIT_DONE)
        return code;
    struct error err = ERROR_INIT;
    int r = words.count > 1 ? extract_component(&b, words.items[1], o.out, &err)
                            : extract_all(&b, o.out, &err);
    if (r == -ENOTEMPTY)
        (void) error_remedy(&err, "name another folder with -o");
    if (r < 0)
        return command_fail(r == -ENOTEMPTY ? EXIT_REFUSED : EXIT_BAD_INPUT, &err);
    return EXIT_DONE;
}

const struct command cmd_bundle_extract = {
    .name = "bundle extract",
    .synopsis = "BUNDLE [COMPONENT]",
    .summary = "take one component out of a bundle, or all of it as a folder",
    .options = options,
    .help =
        "Files and addons are unpacked; an image becomes an OCI image layout of its own, which\n"
        "skopeo, oras and crane read. Every byte is verified first. Without COMPONENT the whole\n"
        "bundle is written as a folder, with its signature, whichever form it had.\n\n"
        "example: bigtop-bootstrap bundle extract bigtop.bundle coredns -o ./coredns\n"
        "         skopeo inspect oci:coredns",
    .run = run,
};
