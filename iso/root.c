#include "iso/root.h"

#include "images/apt.h"
#include "images/lock.h"
#include "lib/fd.h"
#include "lib/json.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ROOT_FORMAT 2 /* counted up when the same packages give another root */
/* Time stamp of every file. Not 1970: a password that was "changed" on day 0 counts as expired. */
#define ROOT_EPOCH 1767225600
#define PACKAGES_MAX (64 * 1024)
#define INDEX_MAX (8 * 1024 * 1024)
#define FIELDS_TIMEOUT_MS 60000
#define WORK ".work"
#define MERGED_USR "/usr/share/mmdebstrap/hooks/merged-usr"

int iso_root_packages(const char *text, struct strv *out, struct error *err)
{
    STRV(lines);
    strv_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = lines.items[i];
        if (line[0] == '#')
            continue;
        if (!apt_is_package(line))
            return error_set(err, -EINVAL, "\"%s\" is no name of a Debian package", line);
        strv_add(out, line);
    }
    return out->count ? 0 : error_set(err, -EINVAL, "names no package");
}

struct making {
    const struct iso_steps *s;
    const char *live, *architecture;
    char *own;            /* the folder in it that is the architecture's */
    struct strv packages; /* NAME=VERSION */
    json_t *pinned;       /* of them, with their digests */
};

static void making_release(struct making *m)
{
    free(m->own);
    strv_release(&m->packages);
    json_decref(m->pinned);
}

static struct apt_request request(const struct making *m, const struct strv *packages)
{
    return (struct apt_request){.cache_dir = m->s->cache_dir,
                                .architecture = m->architecture,
                                .suite = ISO_SUITE,
                                .packages = packages,
                                .cancel = m->s->cancel,
                                .progress = m->s->progress,
                                .userdata = m->s->userdata};
}

static json_t *to_set(const struct apt_packages *found)
{
    json_t *set = json_object();
    for (size_t i = 0; i < found->count; i++) {
        const struct apt_package *p = &found->items[i];
        AUTO_FREE char *name = xasprintf("%s=%s", p->name, p->version);
        json_object_set_new(set, name, json_string(p->digest));
    }
    return set;
}

static void take_pins(struct making *m, const json_t *set)
{
    const char *name;
    json_t *digest;
    m->pinned = json_deep_copy(set);
    json_object_foreach(m->pinned, name, digest)
        strv_add(&m->packages, name);
    strv_sort(&m->packages);
}

static int read_list(const char *dir, struct strv *names, struct error *err)
{
    AUTO_FREE char *path = path_join(dir, "packages");
    STRBUF(text, PACKAGES_MAX);
    int r = file_read(path, &text, err);
    if (r < 0)
        return r;
    return iso_root_packages(text.data, names, err) < 0 ? error_prefix(err, "%s", path) : 0;
}

/* Which packages exactly: what the lock file says, or what APT says now, and the lock from then
 * on. */
static int pin(struct making *m, bool update_lock, struct error *err)
{
    AUTO_FREE char *lock_path = path_join(m->own, "packages" LOCK_SUFFIX);
    STRV(names);
    AUTO_LOCK *lock = NULL;
    int r;
    if ((r = read_list(m->live, &names, err)) < 0 || (r = read_list(m->own, &names, err)) < 0 ||
        (r = lock_open(lock_path, update_lock, &lock, err)) < 0)
        return r;
    strv_sort(&names);
    AUTO_FREE char *joined = strv_join(&names, " ");
    AUTO_FREE char *wanted = xasprintf("%s: %s", ISO_SUITE, joined);
    const json_t *locked = lock_get_set(lock, LOCK_DEB, wanted);
    if (!locked) {
        AUTO_APT_PACKAGES found = {0};
        const struct apt_request ask = request(m, &names);
        if ((r = apt_resolve(&ask, &found, err)) < 0)
            return r;
        AUTO_JSON *set = to_set(&found);
        if ((r = lock_pin_set(lock, LOCK_DEB, wanted, set, err)) < 0 ||
            (r = lock_save(lock, err)) < 0)
            return r;
        locked = lock_get_set(lock, LOCK_DEB, wanted);
    }
    take_pins(m, locked);
    return 0;
}

/* Of the live folder's files: all else is on the medium beside the root. */
static bool makes_root(const struct making *m, const char *name)
{
    AUTO_FREE char *own_hooks = path_join(m->architecture, "hooks");
    return path_is_at_or_below(name, "hooks") || path_is_at_or_below(name, own_hooks) ||
           path_is_at_or_below(name, "initramfs") || strcmp(name, "left-out") == 0;
}

static int inputs(const struct making *m, json_t **out, struct error *err)
{
    AUTO_FREE char *mmdebstrap = NULL;
    AUTO_FREE char *squashfs = NULL;
    AUTO_JSON *files = NULL;
    int r;
    if ((r = iso_tool_version("mmdebstrap", "--version", &mmdebstrap, err)) < 0 ||
        (r = iso_tool_version("sqfstar", "-version", &squashfs, err)) < 0 ||
        (r = cache_list(m->live, &files, err)) < 0)
        return r;
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(files, next, name, value)
    {
        if (!makes_root(m, name))
            json_object_del(files, name);
    }
    *out = json_pack("{s:s, s:i, s:s, s:s, s:O, s:O, s:s, s:s}", "type", "live root", "format",
                     ROOT_FORMAT, "suite", ISO_SUITE, "architecture", m->architecture, "packages",
                     m->pinned, "files", files, "mmdebstrap", mmdebstrap, "squashfs", squashfs);
    return 0;
}

/* A repository of these files alone, which need no other trust than their hashes. */

static int add_to_index(const struct making *m, const struct apt_package *p, const char *repository,
                        struct strbuf *index, struct error *err)
{
    const char *const argv[] = {"dpkg-deb", "--field", p->path, NULL};
    const struct process_options opts = {.out = index,
                                         .timeout_ms = FIELDS_TIMEOUT_MS,
                                         .cancel = m->s->cancel,
                                         .die_with_parent = true};
    AUTO_FREE char *file = xasprintf("%s/%s.deb", repository, p->name);
    uint64_t size;
    char digest[DIGEST_SIZE];
    int r;
    if ((r = digest_file(p->path, digest, &size, err)) < 0 ||
        (r = process_run(argv, &opts, NULL, err)) < 0)
        return r;
    strbuf_addf(index, "Filename: ./%s.deb\nSize: %llu\nSHA256: %s\n\n", p->name,
                (unsigned long long) size, p->digest + strlen("sha256:"));
    return symlink(p->path, file) < 0 ? error_errno(err, -errno, "link %s", file) : 0;
}

static int is_pinned(const struct making *m, const struct apt_package *p, struct error *err)
{
    AUTO_FREE char *name = xasprintf("%s=%s", p->name, p->version);
    const char *digest = json_get_string(m->pinned, name, "not part of it");
    if (strcmp(digest, p->digest) == 0)
        return 0;
    return error_set(err, -EBADMSG, "%s is %s, packages.lock says %s", name, p->digest, digest);
}

static int make_repository(const struct making *m, const char *repository, struct error *err)
{
    AUTO_APT_PACKAGES found = {0};
    const struct apt_request ask = request(m, &m->packages);
    STRBUF(index, INDEX_MAX);
    int r = path_mkdir_p(repository, 0755, err);
    if (r < 0)
        return r;
    if ((r = apt_resolve(&ask, &found, err)) < 0)
        return error_remedy(err, "if Debian has newer versions by now: --update-lock");
    for (size_t i = 0; r == 0 && i < found.count; i++)
        r = is_pinned(m, &found.items[i], err);
    if (r < 0 || (r = apt_download(&ask, &found, err)) < 0)
        return r;
    for (size_t i = 0; r == 0 && i < found.count; i++)
        r = add_to_index(m, &found.items[i], repository, &index, err);
    if (r < 0)
        return r;
    if (strbuf_full(&index))
        return error_set(err, -E2BIG, "too many packages");
    AUTO_FREE char *path = path_join(repository, "Packages");
    return file_write_new(path, index.data, index.len, 0644, err);
}

/* APT's grammar of sources has no quotes: such a folder cannot be named in it. */
static int check_folder(const char *dir, struct error *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789/._-+";
    if (strspn(dir, plain) == strlen(dir))
        return 0;
    error_set(err, -EINVAL, "%s: APT cannot have a repository in a folder of this name", dir);
    return error_remedy(err, "set XDG_CACHE_HOME to a folder with plain letters");
}

static void names_only(const struct strv *packages, struct strv *out)
{
    for (size_t i = 0; i < packages->count; i++) {
        AUTO_FREE char *name = xstrndup(packages->items[i], strcspn(packages->items[i], "="));
        strv_add(out, name);
    }
}

static int install(const struct making *m, const char *repository, const char *tar,
                   struct error *err)
{
    AUTO_FD fd = open(tar, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, -errno, "create %s", tar);
    STRV(names);
    STRV(argv);
    names_only(&m->packages, &names);
    AUTO_FREE char *include = strv_join(&names, ",");
    AUTO_FREE char *own_hooks = path_join(m->own, "hooks");
    strv_add(&argv, "mmdebstrap");
    strv_add(&argv, "--quiet");
    strv_add(&argv, "--variant=custom");
    strv_addf(&argv, "--architectures=%s", m->architecture);
    strv_addf(&argv, "--include=%s", include);
    strv_add(&argv, "--hook-dir=" MERGED_USR);
    strv_addf(&argv, "--hook-dir=%s/hooks", m->live);
    if (access(own_hooks, F_OK) == 0)
        strv_addf(&argv, "--hook-dir=%s", own_hooks);
    strv_addf(&argv, "--dpkgopt=%s/left-out", m->live);
    strv_add(&argv, "--dpkgopt=force-unsafe-io"); /* a root that a crash left is thrown away */
    strv_add(&argv, "--skip=output/dev");
    /* The hooks do. With the root's lists gone, APT would clear those of this machine. */
    strv_add(&argv, "--skip=cleanup/apt");
    strv_add(&argv, "--format=tar");
    strv_add(&argv, "");
    strv_add(&argv, "-");
    strv_addf(&argv, "deb [trusted=yes] copy:%s ./", repository);
    const struct iso_run how = {.epoch = ROOT_EPOCH, .stdout_fd = fd};
    iso_progress(m->s, "installing %zu packages", names.count);
    return iso_run(m->s, &argv, &how, err);
}

static int squash(const struct making *m, const char *tar, const char *dir, struct error *err)
{
    AUTO_FD fd = open(tar, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "open %s", tar);
    AUTO_FREE char *out = path_join(dir, ISO_ROOT_SQUASHFS);
    STRV(argv);
    strv_add(&argv, "nice");
    iso_squash_words(&argv, ROOT_EPOCH, out);
    strv_add(&argv, ISO_ROOT_BOOT);
    const struct iso_run how = {.epoch = ROOT_EPOCH, .stdin_fd = fd};
    iso_progress(m->s, "compressing the root");
    return iso_run(m->s, &argv, &how, err);
}

static int take_boot(const struct making *m, const char *tar, const char *dir, struct error *err)
{
    const char *const words[] = {"tar",
                                 "--extract",
                                 "--no-same-owner",
                                 "--no-same-permissions",
                                 "--file",
                                 tar,
                                 "--directory",
                                 dir,
                                 "./" ISO_ROOT_BOOT,
                                 NULL};
    STRV(argv);
    strv_add_all(&argv, words);
    const struct iso_run how = {.epoch = ROOT_EPOCH};
    return iso_run(m->s, &argv, &how, err);
}

/* NAME VERSION DIGEST, for people: what is on the medium. */
static int write_list(const struct making *m, const char *dir, struct error *err)
{
    STRBUF(text, INDEX_MAX);
    for (size_t i = 0; i < m->packages.count; i++) {
        const char *package = m->packages.items[i];
        size_t name = strcspn(package, "=");
        strbuf_addf(&text, "%.*s\t%s\t%s\n", (int) name, package, package + name + 1,
                    json_get_string(m->pinned, package, ""));
    }
    AUTO_FREE char *path = path_join(dir, ISO_ROOT_LIST);
    return file_write_new(path, text.data, text.len, 0644, err);
}

static int produce(void *userdata, const char *dir, json_t *about, struct error *err)
{
    const struct making *m = userdata;
    AUTO_FREE char *work = path_join(dir, WORK);
    AUTO_FREE char *repository = path_join(work, "repository");
    AUTO_FREE char *tar = path_join(work, "root.tar");
    int r;
    json_object_set_new(about, "type", json_string("live root"));
    if ((r = iso_need_machine(m->s, m->architecture, err)) < 0 ||
        (r = check_folder(work, err)) < 0 || (r = make_repository(m, repository, err)) < 0 ||
        (r = install(m, repository, tar, err)) < 0 || (r = squash(m, tar, dir, err)) < 0 ||
        (r = take_boot(m, tar, dir, err)) < 0 || (r = write_list(m, dir, err)) < 0)
        return r;
    return path_remove_tree(work, err);
}

static void tell_busy(void *userdata)
{
    const struct making *m = userdata;
    iso_progress(m->s, "waiting for another build to finish");
}

int iso_root_get(const struct iso_steps *s, const char *live, const char *architecture,
                 bool update_lock, struct cache_entry *out, struct error *err)
{
    CLEANUP(making_release)
    struct making m = {
        .s = s, .live = live, .architecture = architecture, .own = path_join(live, architecture)};
    CLEANUP(cache_close) struct cache *cache = NULL;
    AUTO_JSON *in = NULL;
    int r;
    if ((r = cache_await(s->cache_dir, s->cancel, tell_busy, &m, &cache, err)) < 0 ||
        (r = pin(&m, update_lock, err)) < 0 || (r = inputs(&m, &in, err)) < 0)
        return r;
    r = cache_get(cache, in, produce, &m, out, NULL, err);
    return r < 0 && r != -ECANCELED ? error_prefix(err, "the live root") : r;
}
