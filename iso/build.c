#include "iso/build.h"

#include "images/pack.h"
#include "iso/live.h"
#include "iso/medium.h"
#include "iso/root.h"
#include "iso/site.h"
#include "iso/variant.h"
#include "lib/architecture.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* When the bundle was made: the time of everything that is this image's own. */
static int bundle_epoch(const struct bundle *b, int64_t *out, struct error *err)
{
    const char *created = json_get_string(b->json, "created", "");
    struct tm tm = {0};
    const char *end = strptime(created, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (!end || *end)
        return error_set(err, -EBADMSG, "%s: \"created\" is no time: \"%s\"", b->path, created);
    *out = timegm(&tm);
    return 0;
}

static int find_variant(const struct iso_build *b, const struct iso_variant **out,
                        struct error *err)
{
    const char *wanted = b->bundle->architecture, *found;
    int r = architecture_of_program(b->program, &found, err);
    if (r < 0)
        return r;
    *out = iso_variant_find(wanted);
    if (!*out) {
        error_set(err, -EINVAL, "there are no images for %s, as the bundle is", wanted);
        return -EINVAL;
    }
    if (strcmp(found, wanted) != 0) {
        error_set(err, -EPERM, "the bundle is for %s, and %s for %s", wanted, b->program, found);
        return error_remedy(err,
                            "name a bigtop-bootstrap for %s: `make ARCH=%s` builds it, "
                            "--program build/%s/bigtop-bootstrap",
                            wanted, wanted, wanted);
    }
    return 0;
}

static int build(const struct iso_build *b, const char *live, const struct iso_variant *variant,
                 const char *work, struct error *err)
{
    CLEANUP(cache_entry_release) struct cache_entry root = CACHE_ENTRY_INIT;
    AUTO_FREE char *site_path = path_join(work, "site.squashfs");
    AUTO_FREE char *bundle_path = path_join(work, "bundle");
    AUTO_FREE char *medium_dir = path_join(work, "making");
    int64_t epoch = 0;
    int r;
    if ((r = bundle_epoch(b->bundle, &epoch, err)) < 0 ||
        (r = iso_root_get(&b->steps, live, variant->architecture, b->update_lock, &root, err)) < 0)
        return r;
    const struct iso_site site = {.live = live,
                                  .program = b->program,
                                  .hosts = b->hosts,
                                  .ssh_keys = b->ssh_keys,
                                  .bundle_keys = b->bundle_keys,
                                  .epoch = epoch};
    const struct iso_medium medium = {.live = live,
                                      .root = root.dir,
                                      .site = site_path,
                                      .bundle = bundle_path,
                                      .bundle_digest = b->bundle->digest,
                                      .variant = variant,
                                      .epoch = epoch};
    iso_progress(&b->steps, "verifying the bundle");
    if ((r = bundle_pack(b->bundle, bundle_path, err)) < 0 ||
        (r = iso_site_make(&b->steps, &site, site_path, err)) < 0 ||
        (r = path_mkdir_p(medium_dir, 0755, err)) < 0)
        return r;
    return iso_medium_make(&b->steps, &medium, medium_dir, b->out, err);
}

int iso_build(const struct iso_build *b, struct error *err)
{
    const struct iso_variant *variant = NULL;
    if (access(b->out, F_OK) == 0)
        return error_set(err, -EEXIST, "%s is there already", b->out);
    int r = find_variant(b, &variant, err);
    if (r < 0 || (r = iso_need_tools(err)) < 0 ||
        (r = path_mkdir_p(b->steps.cache_dir, 0755, err)) < 0)
        return r;
    AUTO_FREE char *work = path_join(b->steps.cache_dir, "iso-XXXXXX");
    if (!mkdtemp(work))
        return error_errno(err, -errno, "create %s", work);
    AUTO_FREE char *unpacked = path_join(work, "live");
    AUTO_FREE char *live = b->live ? realpath(b->live, NULL) : xstrdup(unpacked);
    if (!live)
        r = error_errno(err, -errno, "%s", b->live);
    if (r == 0 && !b->live)
        r = iso_live_unpack(unpacked, err);
    if (r == 0)
        r = build(b, live, variant, work, err);
    /* Whatever went wrong is told; that the folder stays would only hide it. */
    (void) path_remove_tree(work, r < 0 ? NULL : err);
    return r;
}
