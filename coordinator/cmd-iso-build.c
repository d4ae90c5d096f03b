#include "coordinator/bundle-args.h"
#include "coordinator/command.h"
#include "coordinator/inventory.h"
#include "coordinator/job.h"
#include "images/trusted-keys.h"
#include "iso/build.h"
#include "iso/site.h"
#include "iso/variant.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SSH_KEY_MAX (16 * 1024)
#define MEGABYTE 1e6

/* What the image gets of the user's. */
struct iso_inputs {
    struct inventory inv;
    struct strv lines; /* of authorized_keys */
};

struct iso_arguments {
    const char *bundle, *hosts, *program, *out, *live;
    struct strv keys, ssh_keys;
    bool update_lock;
};

static const struct option_spec options[] = {
    {"bundle", 'b', OPTION_TEXT, offsetof(struct iso_arguments, bundle), "BUNDLE",
     "the bundle to have on it; default: the one in our cache"},
    OPTION_KEYS(struct iso_arguments, keys),
    {"hosts", 0, OPTION_TEXT, offsetof(struct iso_arguments, hosts), "HOSTS.YAML",
     "have this on it, for the coordinator; it may hold no password"},
    {"ssh-key", 0, OPTION_LIST, offsetof(struct iso_arguments, ssh_keys), "NAME.pub",
     "who may log in; default: the keys that hosts.yaml names, else ~/.ssh/id_*.pub"},
    {"program", 0, OPTION_TEXT, offsetof(struct iso_arguments, program), "FILE",
     "the bigtop-bootstrap to have on it; default: this one. For the bundle's architecture"},
    {"out", 'o', OPTION_TEXT, offsetof(struct iso_arguments, out), "FILE.iso",
     "the image to write; nothing may be there yet"},
    {"live", 0, OPTION_TEXT, offsetof(struct iso_arguments, live), "DIR",
     "another description of the live root than the built-in one: a folder like iso/live"},
    {"update-lock", 0, OPTION_FLAG, offsetof(struct iso_arguments, update_lock), NULL,
     "pin Debian's packages anew, in ARCHITECTURE/packages.lock of --live"},
    OPTION_END,
};

static void inputs_release(struct iso_inputs *in)
{
    inventory_release(&in->inv);
    strv_release(&in->lines);
}

static void arguments_release(struct iso_arguments *o)
{
    strv_release(&o->keys);
    strv_release(&o->ssh_keys);
}

static int read_key(const char *path, struct strv *lines, struct error *err)
{
    STRBUF(text, SSH_KEY_MAX);
    AUTO_FREE char *expanded = path_expand_home(path);
    AUTO_FREE char *line = NULL;
    int r = file_read(expanded, &text, err);
    if (r < 0)
        return r;
    if (iso_ssh_key(text.data, text.len, &line, err) < 0)
        return error_prefix(err, "%s", path);
    if (!strv_contains(lines, line))
        strv_add(lines, line);
    return 0;
}

/* The public halves of the keys that the hosts are reached with. */
static void name_keys(const struct inventory *inv, struct strv *paths)
{
    for (size_t i = 0; i < inv->host_count; i++)
        if (inv->hosts[i].key) {
            AUTO_FREE char *path = xasprintf("%s.pub", inv->hosts[i].key);
            if (!strv_contains(paths, path))
                strv_add(paths, path);
        }
}

static void name_own_keys(struct strv *paths)
{
    static const char *const usual[] = {"~/.ssh/id_ed25519.pub", "~/.ssh/id_ecdsa.pub",
                                        "~/.ssh/id_rsa.pub"};
    for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
        AUTO_FREE char *path = path_expand_home(usual[i]);
        if (access(path, F_OK) == 0)
            strv_add(paths, path);
    }
}

static int collect_keys(const struct iso_arguments *o, const struct inventory *inv,
                        struct strv *lines, struct error *err)
{
    STRV(paths);
    int r = 0;
    for (size_t i = 0; i < o->ssh_keys.count; i++)
        strv_add(&paths, o->ssh_keys.items[i]);
    if (paths.count == 0)
        name_keys(inv, &paths);
    if (paths.count == 0)
        name_own_keys(&paths);
    for (size_t i = 0; r == 0 && i < paths.count; i++)
        r = read_key(paths.items[i], lines, err);
    if (r < 0 || lines->count)
        return r;
    error_set(err, -EINVAL, "nobody could log in to a machine that starts from this image");
    return error_remedy(err, "name your public key: --ssh-key NAME.pub");
}

/* An image is copied and handed around. */
static int check_secrets(const struct inventory *inv, struct error *err)
{
    for (size_t i = 0; i < inv->host_count; i++) {
        const struct host *h = &inv->hosts[i];
        if (!h->password && !h->sudo_password)
            continue;
        error_set(err, -EPERM, "%s:%u: a password would be on the image", inv->path, h->line);
        return error_remedy(err, "an image's hosts are reached with a key; leave it out");
    }
    return 0;
}

static void on_progress(void *userdata, const char *text)
{
    const int64_t *began = userdata;
    (void) printf("[%4lld s] %s\n", (long long) ((clock_monotonic_ms() - *began) / 1000), text);
    (void) fflush(stdout);
}

static int own_path(char out[PATH_MAX], struct error *err)
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (n < 0)
        return error_errno(err, -errno, "find this program's file");
    out[n] = '\0';
    return 0;
}

static int fail(int r, struct error *err)
{
    if (r == -ECANCELED || interrupted)
        return command_fail(EXIT_INTERRUPTED, err);
    if (r == -EINVAL || r == -ENOENT || r == -ENOEXEC || r == -EBADMSG)
        return command_fail(EXIT_BAD_INPUT, err);
    return command_fail(r == -EEXIST || r == -EPERM ? EXIT_REFUSED : EXIT_HOST_FAILED, err);
}

static void show(const struct iso_arguments *o, const char *architecture, const struct strv *lines,
                 int64_t began)
{
    struct stat st;
    double size = stat(o->out, &st) == 0 ? (double) st.st_size / MEGABYTE : 0;
    (void) printf("%s: %.1f MB, in %.1f s; a CD and a disk, for %s\n", o->out, size,
                  (double) (clock_monotonic_ms() - began) / 1000,
                  iso_variant_find(architecture)->bios ? "BIOS and UEFI" : "UEFI");
    for (size_t i = 0; i < lines->count; i++)
        (void) printf("may log in: %s\n", lines->items[i]);
    if (o->keys.count == 0)
        command_warn("no --key: the bundle's signature was not checked, and the coordinator on the "
                     "image will ask whose it must be");
}

static int build(const struct iso_arguments *o, const struct bundle *b, const struct iso_inputs *in)
{
    struct error err = ERROR_INIT;
    AUTO_TRUSTED_KEYS keys = {0};
    AUTO_FREE char *cache = path_cache_dir();
    char own[PATH_MAX];
    int64_t began = clock_monotonic_ms();
    int r;
    if ((r = trusted_keys_load_all(&keys, &o->keys, &err)) < 0 || (r = own_path(own, &err)) < 0)
        return fail(r, &err);
    const struct iso_build build = {.steps = {.cache_dir = cache,
                                              .cancel = &interrupted,
                                              .progress = on_progress,
                                              .userdata = &began},
                                    .bundle = b,
                                    .bundle_keys = &keys,
                                    .ssh_keys = &in->lines,
                                    .hosts = o->hosts,
                                    .program = o->program ? o->program : own,
                                    .live = o->live,
                                    .update_lock = o->update_lock,
                                    .out = o->out};
    if ((r = iso_build(&build, &err)) < 0)
        return fail(r, &err);
    show(o, b->architecture, &in->lines, began);
    return EXIT_DONE;
}

/* Before anything long begins. */
static int take_inputs(const struct iso_arguments *o, struct iso_inputs *in)
{
    struct error err = ERROR_INIT;
    int code = o->hosts ? job_load(o->hosts, &in->inv) : EXIT_DONE;
    if (code != EXIT_DONE)
        return code;
    int r = check_secrets(&in->inv, &err);
    if (r == 0)
        r = collect_keys(o, &in->inv, &in->lines, &err);
    return r < 0 ? fail(r, &err) : EXIT_DONE;
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct iso_arguments o = {0};
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    STRV(none);
    CLEANUP(inputs_release) struct iso_inputs in = {0};
    if (command_parse(&cmd_iso_build, argc, argv, &o, &none, 0, 0) != 0)
        return EXIT_BAD_INPUT;
    if (!o.out)
        return command_usage(&cmd_iso_build, "an option is missing: --out FILE.iso");
    if (o.update_lock && !o.live)
        return command_usage(&cmd_iso_build, "--update-lock writes to a folder: --live DIR");
    AUTO_FREE char *cache = path_cache_dir();
    AUTO_FREE char *dir = o.bundle ? xstrdup(o.bundle) : path_join(cache, "bundle");
    int code = take_inputs(&o, &in);
    if (code == EXIT_DONE)
        code = bundle_args_open(dir, &o.keys, &b);
    return code == EXIT_DONE ? build(&o, &b, &in) : code;
}

const struct command cmd_iso_build = {
    .name = "iso build",
    .synopsis = "",
    .summary = "write an image that machines start from: hosts, and the coordinator",
    .options = options,
    .help =
        "A machine that starts from it changes no disk: it waits for the coordinator with an SSH\n"
        "server that lets in these keys and nobody else, and shows its address and fingerprint.\n"
        "The coordinator, chosen in the boot menu, has the bundle at hand. It is for machines of "
        "the\n"
        "bundle's architecture, amd64 or arm64.\n\n"
        "Needs Debian 12 with mmdebstrap, squashfs-tools, mtools and xorriso. The same inputs "
        "give\n"
        "the same bytes.\n\n"
        "example: bigtop-bootstrap iso build --bundle ./bundle --key ops-2026.pub -o rack.iso",
    .run = run,
};
