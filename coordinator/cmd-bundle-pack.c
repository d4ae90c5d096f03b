#include "coordinator/bundle-args.h"
#include "coordinator/command.h"
#include "images/pack.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define MEGABYTE 1e6

struct pack_arguments {
    struct strv keys;
    const char *out;
};

static const struct option_spec options[] = {
    {"out", 'o', OPTION_TEXT, offsetof(struct pack_arguments, out), "FILE",
     "the file to write; nothing may be there yet"},
    OPTION_KEYS(struct pack_arguments, keys),
    OPTION_END,
};

static void arguments_release(struct pack_arguments *o)
{
    strv_release(&o->keys);
}

static void show(const struct bundle *b, const char *path)
{
    struct stat st;
    double size = stat(path, &st) == 0 ? (double) st.st_size / MEGABYTE : 0;
    (void) printf("%s: %zu components in one file of %.1f MB, %s\n", path, b->component_count, size,
                  b->signature_text ? "with its signature"
                                    : "not signed: bundle sign --key NAME.key FILE");
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct pack_arguments o = {0};
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    STRV(paths);
    if (command_parse(&cmd_bundle_pack, argc, argv, &o, &paths, 1, 1) != 0)
        return EXIT_BAD_INPUT;
    if (!o.out)
        return command_usage(&cmd_bundle_pack, "an option is missing: --out FILE");
    int code = bundle_args_open(paths.items[0], &o.keys, &b);
    if (code != EXIT_DONE)
        return code;
    struct error err = ERROR_INIT;
    int r = bundle_pack(&b, o.out, &err);
    if (r < 0)
        return command_fail(r == -EEXIST ? EXIT_REFUSED : EXIT_BAD_INPUT, &err);
    show(&b, o.out);
    return EXIT_DONE;
}

const struct command cmd_bundle_pack = {
    .name = "bundle pack",
    .synopsis = "BUNDLE",
    .summary = "write a bundle as one file, to be used in place",
    .options = options,
    .help =
        "The file is a plain tar of the OCI image layout (what skopeo calls oci-archive), and "
        "every\n"
        "command reads it as it reads the folder: from a USB stick or an ISO too, nothing is\n"
        "unpacked. The same bundle gives the same bytes. Every byte is verified before the file\n"
        "gets its name. bundle extract FILE -o DIR makes a folder of it again.\n\n"
        "example: bigtop-bootstrap bundle pack ./bundle -o /media/usb/bigtop.bundle",
    .run = run,
};
