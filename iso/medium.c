#include "iso/medium.h"

#include "images/cache.h"
#include "iso/root.h"
#include "iso/template.h"
#include "lib/digest.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define VOLUME "BIGTOP"
#define TEMPLATE_MAX (64 * 1024)
#define PLACE "@IMAGE@"
#define EFI_SECTORS 16384 /* of 512 bytes */
#define DATE_LEN 17
#define SUMS_MAX 4096
#define ELTORITO "boot/grub/eltorito.img" /* xorriso writes into it */

struct making {
    const struct iso_steps *s;
    const struct iso_medium *m;
    const char *work;
    char *tree; /* of links to what the medium has */
    char *efi;  /* the image of the EFI partition */
    char number[ISO_NUMBER_LEN + 1];
};

static void making_release(struct making *k)
{
    free(k->tree);
    free(k->efi);
}

static void count_in(struct sha256 *h, const char *name, const char *digest)
{
    sha256_update(h, name, strlen(name));
    sha256_update(h, " ", 1);
    sha256_update(h, digest, strlen(digest));
    sha256_update(h, "\n", 1);
}

/* Of what cache_list says of a file: the mode depends on the umask of who builds. */
static const char *content_of(const char *listed)
{
    const char *space = strchr(listed, ' ');
    return space ? space + 1 : listed;
}

static void count_all(struct sha256 *h, const char *name, json_t *listed)
{
    AUTO_JSON *contents = json_object();
    const char *path;
    json_t *file;
    json_object_foreach(listed, path, file)
        json_object_set_new(contents, path, json_string(content_of(json_string_value(file))));
    AUTO_FREE char *text = json_canonical(contents);
    count_in(h, name, text);
}

static int digest_of(const char *dir, const char *name, char out[DIGEST_SIZE], struct error *err)
{
    AUTO_FREE char *path = path_join(dir, name);
    return digest_file(path, out, NULL, err);
}

/* Of all that is on the medium, but for what has the number in it. */
static int find_number(struct making *k, struct error *err)
{
    char site[DIGEST_SIZE], menu[DIGEST_SIZE], efi[DIGEST_SIZE], sum[DIGEST_SIZE];
    AUTO_JSON *root = NULL;
    AUTO_SHA256 *h = sha256_new();
    int r;
    if ((r = digest_file(k->m->site, site, NULL, err)) < 0 ||
        (r = cache_list(k->m->root, &root, err)) < 0 ||
        (r = digest_of(k->m->live, "grub.cfg", menu, err)) < 0 ||
        (r = digest_of(k->m->live, "grub-efi.cfg", efi, err)) < 0)
        return r;
    count_all(h, "root", root);
    count_in(h, "menu", menu);
    count_in(h, "efi", efi);
    count_in(h, "site", site);
    count_in(h, "bundle", k->m->bundle_digest);
    sha256_finish(TAKE_PTR(h), sum);
    (void) snprintf(k->number, sizeof(k->number), "%s", sum + strlen("sha256:"));
    return 0;
}

static int write_text(const char *dir, const char *name, const char *text, struct error *err)
{
    AUTO_FREE char *path = path_join(dir, name);
    AUTO_FREE char *parent = path_dirname(path);
    int r = path_mkdir_p(parent, 0755, err);
    return r < 0 ? r : file_write_new(path, text, strlen(text), 0644, err);
}

static int fill_template(const struct making *k, const char *name, struct strbuf *out,
                         struct error *err)
{
    AUTO_FREE char *path = path_join(k->m->live, name);
    STRBUF(text, TEMPLATE_MAX);
    int r = file_read(path, &text, err);
    if (r == 0)
        iso_template_fill(text.data, PLACE, k->number, out);
    return r;
}

static int link_to(const struct making *k, const char *name, const char *dir, const char *file,
                   struct strbuf *sums, struct error *err)
{
    char digest[DIGEST_SIZE];
    AUTO_FREE char *path = path_join(k->tree, name);
    AUTO_FREE char *target = dir ? path_join(dir, file) : xstrdup(file);
    int r = digest_file(target, digest, NULL, err);
    if (r < 0)
        return r;
    if (symlink(target, path) < 0)
        return error_errno(err, -errno, "link %s", path);
    if (strcmp(name, ELTORITO) != 0)
        strbuf_addf(sums, "%s  %s\n", digest + strlen("sha256:"), name);
    return 0;
}

static int lay_out(const struct making *k, struct error *err)
{
    AUTO_FREE char *boot = path_join(k->m->root, ISO_ROOT_BOOT);
    const struct {
        const char *name, *dir, *file;
    } links[] = {
        {"boot/vmlinuz", boot, "vmlinuz"},
        {"boot/initrd.img", boot, "initrd.img"},
        {"bigtop/" ISO_ROOT_SQUASHFS, k->m->root, ISO_ROOT_SQUASHFS},
        {"bigtop/" ISO_ROOT_LIST, k->m->root, ISO_ROOT_LIST},
        {"bigtop/site.squashfs", NULL, k->m->site},
        {"bigtop/bundle", NULL, k->m->bundle},
    };
    STRBUF(menu, TEMPLATE_MAX);
    STRBUF(sums, SUMS_MAX);
    AUTO_FREE char *number = xasprintf("bigtop/%s", k->number);
    int r;
    if ((r = fill_template(k, "grub.cfg", &menu, err)) < 0 ||
        (r = write_text(k->tree, "boot/grub/grub.cfg", menu.data, err)) < 0 ||
        (r = write_text(k->tree, number, "", err)) < 0)
        return r;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(links); i++)
        r = link_to(k, links[i].name, links[i].dir, links[i].file, &sums, err);
    if (r == 0 && k->m->variant->bios)
        r = link_to(k, ELTORITO, boot, "eltorito.img", &sums, err);
    return r < 0 ? r : write_text(k->tree, ISO_SUMS, sums.data, err);
}

/* Everything in the partition is copied with one time stamp: mtools takes SOURCE_DATE_EPOCH. */
static int run_mtools(const struct making *k, const char *const *words, struct error *err)
{
    STRV(argv);
    strv_add_all(&argv, words);
    const struct iso_run how = {.epoch = k->m->epoch};
    return iso_run(k->s, &argv, &how, err);
}

static int make_efi(const struct making *k, struct error *err)
{
    AUTO_FREE char *shim = path_join(k->m->root, ISO_ROOT_BOOT "/shim.efi");
    AUTO_FREE char *grub = path_join(k->m->root, ISO_ROOT_BOOT "/grub.efi");
    AUTO_FREE char *shim_to = xasprintf("::/EFI/BOOT/%s", k->m->variant->shim);
    AUTO_FREE char *grub_to = xasprintf("::/EFI/BOOT/%s", k->m->variant->grub);
    AUTO_FREE char *config = path_join(k->work, "grub-efi.cfg");
    AUTO_FREE char *sectors = xasprintf("%d", EFI_SECTORS);
    AUTO_FREE char *serial = xstrndup(k->number, 8);
    const char *const steps[][12] = {
        {"mformat", "-C", "-i", k->efi, "-T", sectors, "-h", "16", "-s", "32", "-N", serial},
        {"mmd", "-i", k->efi, "::/EFI", "::/EFI/BOOT", "::/boot", "::/boot/grub"},
        {"mcopy", "-i", k->efi, shim, shim_to},
        {"mcopy", "-i", k->efi, grub, grub_to},
        {"mcopy", "-i", k->efi, config, "::/boot/grub/grub.cfg"},
    };
    STRBUF(text, TEMPLATE_MAX);
    int r;
    if ((r = fill_template(k, "grub-efi.cfg", &text, err)) < 0 ||
        (r = write_text(k->work, "grub-efi.cfg", text.data, err)) < 0)
        return r;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++) {
        const char *words[ARRAY_SIZE(steps[0]) + 2] = {0};
        memcpy(words, steps[i], sizeof(steps[i]));
        if (i == 0)
            words[ARRAY_SIZE(steps[0])] = "::";
        r = run_mtools(k, words, err);
    }
    return r;
}

static void iso_date(int64_t epoch, char out[DATE_LEN])
{
    time_t at = (time_t) epoch;
    struct tm tm;
    gmtime_r(&at, &tm);
    (void) strftime(out, DATE_LEN, "%Y%m%d%H%M%S00", &tm);
}

/* What a BIOS starts, from a CD and from a disk. */
static void add_bios_words(const struct making *k, struct strv *argv)
{
    static const char words[] = "--grub2-boot-info -b " ELTORITO
                                " -no-emul-boot -boot-load-size 4 -boot-info-table "
                                "-eltorito-alt-boot";
    strv_add(argv, "--grub2-mbr");
    strv_addf(argv, "%s/" ISO_ROOT_BOOT "/boot_hybrid.img", k->m->root);
    strv_split(argv, words, ' ');
}

static int write_image(const struct making *k, const char *out, struct error *err)
{
    char date[DATE_LEN];
    iso_date(k->m->epoch, date);
    AUTO_FREE char *modified = xasprintf("--modification-date=%s", date);
    const char *const words[] = {"xorriso", "-as", "mkisofs", "-quiet", "-o", out, "-V", VOLUME,
                                 "-r", "-f", "-iso-level", "3", modified, "--set_all_file_dates",
                                 date, "-partition_offset", "16", "-c",
                                 /* made by it: what there is to start on a CD */
                                 "boot/grub/boot.cat", NULL};
    const char *const uefi[] = {
        /* the partition is what a CD starts as well */
        "-append_partition", "2",     "0xef", k->efi, "-e", "--interval:appended_partition_2:all::",
        "-no-emul-boot",     k->tree, NULL};
    STRV(argv);
    strv_add_all(&argv, words);
    if (k->m->variant->bios)
        add_bios_words(k, &argv);
    strv_add_all(&argv, uefi);
    const struct iso_run how = {.epoch = k->m->epoch};
    return iso_run(k->s, &argv, &how, err);
}

static int sync_and_name(const char *part, const char *out, struct error *err)
{
    AUTO_FD fd = open(part, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return error_errno(err, -errno, "sync %s", part);
    if (renameat2(AT_FDCWD, part, AT_FDCWD, out, RENAME_NOREPLACE) < 0)
        return error_errno(err, -errno, "%s", out);
    return 0;
}

int iso_medium_make(const struct iso_steps *s, const struct iso_medium *m, const char *work,
                    const char *out, struct error *err)
{
    CLEANUP(making_release) struct making k = {.s = s, .m = m, .work = work};
    AUTO_FREE char *part = xasprintf("%s.part", out);
    k.tree = path_join(work, "medium");
    k.efi = path_join(work, "efi.img");
    int r;
    if ((r = find_number(&k, err)) < 0 || (r = lay_out(&k, err)) < 0 || (r = make_efi(&k, err)) < 0)
        return r;
    iso_progress(s, "writing image %s", k.number);
    (void) unlink(part);
    r = write_image(&k, part, err);
    if (r == 0)
        r = sync_and_name(part, out, err);
    if (r < 0)
        (void) unlink(part);
    return r;
}
