#include "coordinator/bundle-args.h"
#include "coordinator/command.h"
#include "coordinator/named-keys.h"
#include "iso/installed.h"
#include "iso/update.h"
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OWN_BUNDLE "/run/bigtop/medium/bigtop/bundle"
#define NEW_BUNDLE UPDATE_MOUNTED "/bigtop/bundle"

struct iso_update_arguments {
    bool older;
};

static const struct option_spec options[] = {
    {"allow-older", 0, OPTION_FLAG, offsetof(struct iso_update_arguments, older), NULL,
     "take an image whose bundle is older than this machine's"},
    OPTION_END,
};

/* By the keys that this machine's own image trusts; an image that trusts none asked for none. */
static int check_bundle(const struct iso_update_arguments *o, struct error *err)
{
    CLEANUP(bundle_release) struct bundle own = BUNDLE_INIT;
    CLEANUP(bundle_release) struct bundle new = BUNDLE_INIT;
    AUTO_TRUSTED_KEYS trusted = {0};
    STRV(none);
    const struct inventory nothing = INVENTORY_INIT;
    int r;
    if ((r = named_keys_load(&nothing, &none, &trusted, err)) < 0 ||
        (r = bundle_open(NEW_BUNDLE, trusted.count ? &trusted : NULL, &new, err)) < 0 ||
        (r = bundle_open(OWN_BUNDLE, NULL, &own, err)) < 0)
        return r;
    if (strcmp(own.product, new.product) != 0)
        return error_set(err, -EBADMSG, "its bundle is %s, this machine's %s", new.product,
                         own.product);
    if (strcmp(own.architecture, new.architecture) != 0)
        return error_set(err, -EBADMSG, "it is for %s, this machine is %s", new.architecture,
                         own.architecture);
    if (new.serial >= own.serial || o->older)
        return 0;
    error_set(err, -EPERM, "its bundle has serial %" PRId64 ", this machine's %" PRId64, new.serial,
              own.serial);
    return error_remedy(err, "--allow-older takes it all the same");
}

static void on_progress(void *userdata, const char *what, int percent)
{
    (void) userdata;
    (void) printf("%s: %d %%\n", what, percent);
    (void) fflush(stdout);
}

static int update(const struct iso_update_arguments *o, const char *image, struct error *err)
{
    struct installed m;
    int r = installed_read(&m, err);
    if (r < 0)
        return r;
    AUTO_FD fd = open(image, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "%s", image);
    unsigned slot = m.slot;
    const struct image_copy how = {.cancel = &interrupted, .progress = on_progress};
    r = update_open(image, err);
    if (r == 0)
        r = check_bundle(o, err);
    if (r == 0)
        r = update_write(&m, fd, &how, &slot, err);
    update_close();
    if (r == 0)
        (void) printf("slot %c has it: the next start is from there\n", installed_slot_name(slot));
    return r;
}

static int run(int argc, char **argv)
{
    struct iso_update_arguments o = {0};
    STRV(images);
    struct error err = ERROR_INIT;
    if (command_parse(&cmd_iso_update, argc, argv, &o, &images, 1, 1) != 0)
        return EXIT_BAD_INPUT;
    int r = update(&o, images.items[0], &err);
    if (r == 0)
        return EXIT_DONE;
    return command_fail(r == -ECANCELED                                     ? EXIT_INTERRUPTED
                        : r == -EPERM || r == -EKEYREJECTED || r == -ENOKEY ? EXIT_REFUSED
                        : r == -EIO                                         ? EXIT_HOST_FAILED
                                                                            : EXIT_BAD_INPUT,
                        &err);
}

const struct command cmd_iso_update = {
    .name = "iso update",
    .synopsis = "IMAGE.iso",
    .summary = "on an installed machine: a newer image, for its next start",
    .options = options,
    .help = "The image goes to the slot that the machine does not run from, and comes first from\n"
            "then on. After three starts of it that were not good, the machine goes back to the\n"
            "slot it has now. Its bundle is to be signed as this machine's image asks for.\n\n"
            "example: bigtop-bootstrap iso update rack-2.iso",
    .run = run,
};
