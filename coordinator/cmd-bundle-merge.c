#include "coordinator/bundle-args.h"
#include "coordinator/command.h"
#include "coordinator/signing.h"
#include "images/merge.h"

#include <errno.h>
#include <stdio.h>

struct merge_arguments {
    struct strv keys;
    const char *out, *sign;
    int64_t serial;
};

static const struct option_spec options[] = {
    {"out", 'o', OPTION_TEXT, offsetof(struct merge_arguments, out), "DIR",
     "folder of the new bundle: a new one, or an empty one"},
    {"serial", 0, OPTION_NUMBER, offsetof(struct merge_arguments, serial), "NUMBER",
     "serial of the new bundle; default: the highest of theirs"},
    {"sign", 's', OPTION_TEXT, offsetof(struct merge_arguments, sign), "NAME.key",
     "sign it with this secret key, as bundle sign does"},
    OPTION_KEYS(struct merge_arguments, keys),
    OPTION_END,
};

static void arguments_release(struct merge_arguments *o)
{
    strv_release(&o->keys);
}

struct opened {
    struct bundle *bundles;
    size_t count;
};

static void opened_release(struct opened *o)
{
    for (size_t i = 0; i < o->count; i++)
        bundle_release(&o->bundles[i]);
    free(o->bundles);
}

static int open_all(const struct strv *paths, const struct strv *keys, struct opened *out)
{
    int code = EXIT_DONE;
    out->bundles = xcalloc(paths->count, sizeof(*out->bundles));
    for (; code == EXIT_DONE && out->count < paths->count; out->count++)
        code = bundle_args_open(paths->items[out->count], keys, &out->bundles[out->count]);
    return code;
}

static int merge(const struct opened *in, const struct merge_arguments *o,
                 const struct secret_key *key, struct error *err)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    char id[KEY_ID_TEXT];
    int r;
    if ((r = bundle_merge(in->bundles, in->count, o->serial, o->out, err)) < 0 ||
        (key && (r = bundle_sign(o->out, key, err)) < 0) ||
        (r = bundle_open(o->out, NULL, &b, err)) < 0)
        return r;
    (void) printf("bundle in %s: %zu components of %zu bundles, serial %lld\n", o->out,
                  b.component_count, in->count, (long long) b.serial);
    if (key) {
        key_id_text(key->public_key.id, id);
        (void) printf("signed with key %s\n", id);
    } else {
        (void) printf(
            "it is not signed, whoever signed the others: bundle sign --key NAME.key %s\n", o->out);
    }
    return 0;
}

static int fail(int r, struct error *err)
{
    if (r == -ENOTEMPTY)
        (void) error_remedy(err, "name another folder with -o");
    return command_fail(r == -ENOTEMPTY ? EXIT_REFUSED : EXIT_BAD_INPUT, err);
}

static void warn_unchecked(const struct merge_arguments *o)
{
    if (o->sign && o->keys.count == 0)
        command_warn("the bundles' own signatures are not checked: --key NAME.pub says whose they "
                     "must be");
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct merge_arguments o = {0};
    CLEANUP(opened_release) struct opened in = {0};
    STRV(paths);
    if (command_parse(&cmd_bundle_merge, argc, argv, &o, &paths, 2, SIZE_MAX) != 0)
        return EXIT_BAD_INPUT;
    if (!o.out)
        return command_usage(&cmd_bundle_merge, "an option is missing: --out DIR");
    AUTO_SECRET_KEY key;
    struct error err = ERROR_INIT;
    int r;
    if (o.sign && (r = signing_key_load(o.sign, &key, &err)) < 0)
        return command_fail(r == -ECANCELED ? EXIT_INTERRUPTED : EXIT_BAD_INPUT, &err);
    int code = open_all(&paths, &o.keys, &in);
    if (code != EXIT_DONE)
        return code;
    warn_unchecked(&o);
    r = merge(&in, &o, o.sign ? &key : NULL, &err);
    return r < 0 ? fail(r, &err) : EXIT_DONE;
}

const struct command cmd_bundle_merge = {
    .name = "bundle merge",
    .synopsis = "BUNDLE BUNDLE...",
    .summary = "make one bundle of several, as of Kubernetes and a stack",
    .options = options,
    .help = "They must be for the same product, architecture and Kubernetes. What several have is "
            "taken\n"
            "once; two different things under one name are an error that names both. The result "
            "has no\n"
            "signature but the one that --sign makes, and announces no next keys.\n\n"
            "example: bigtop-bootstrap bundle merge ./kubernetes ./stack --key ops-2026.pub \\\n"
            "             -o ./bundle --sign ops-2026.key",
    .run = run,
};
