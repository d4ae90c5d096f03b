#include "images/gomod.h"

#include "images/walk.h"
#include "lib/architecture.h"
#include "lib/base64.h"
#include "lib/digest.h"
#include "lib/path.h"
#include "lib/process.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <string.h>
#include <unistd.h>

#define TOOLCHAIN_MODULE "golang.org/toolchain@v0.0.1-"
#define FETCH_TIMEOUT_MS (30 * 60 * 1000)
#define REPLY_MAX (64 * 1024)

/* Sums */

static int collect_file(void *userdata, const char *path, const char *full, const struct stat *st,
                        struct error *err)
{
    if (S_ISDIR(st->st_mode))
        return 0;
    if (!S_ISREG(st->st_mode) || strchr(path, '\n'))
        return error_set(err, -EBADMSG, "%s cannot be part of a Go module", full);
    strv_add(userdata, path);
    return 0;
}

static int add_line(struct sha256 *h, const char *dir, const char *name, const char *file,
                    struct error *err)
{
    AUTO_FREE char *full = path_join(dir, file);
    char digest[DIGEST_SIZE];
    int r = digest_file(full, digest, NULL, err);
    if (r < 0)
        return r;
    AUTO_FREE char *line = xasprintf("%s  %s/%s\n", digest + strlen("sha256:"), name, file);
    sha256_update(h, line, strlen(line));
    return 0;
}

static unsigned hex_value(char c)
{
    return (unsigned) (c <= '9' ? c - '0' : c - 'a' + 10);
}

static char *sum_text(const char *digest)
{
    const char *hex = digest + strlen("sha256:");
    unsigned char bytes[SHA256_HEX_LEN / 2];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char) (hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
    STRBUF(text, 64);
    strbuf_adds(&text, "h1:");
    base64_encode(&text, bytes, sizeof(bytes), true);
    return strbuf_steal(&text);
}

int gomod_dir_sum(const char *dir, const char *name, char **out, struct error *err)
{
    STRV(files);
    int r = walk(dir, collect_file, &files, err);
    if (r < 0)
        return r;
    strv_sort(&files); /* by whole path, which is not the order of the walk */
    AUTO_SHA256 *h = sha256_new();
    for (size_t i = 0; i < files.count; i++)
        if ((r = add_line(h, dir, name, files.items[i], err)) < 0)
            return r;
    char digest[DIGEST_SIZE];
    sha256_finish(TAKE_PTR(h), digest);
    *out = sum_text(digest);
    return 0;
}

static int check_sum(const char *dir, const char *module, const char *sum, struct error *err)
{
    AUTO_FREE char *found = NULL;
    int r = gomod_dir_sum(dir, module, &found, err);
    if (r < 0)
        return r;
    return strcmp(found, sum) == 0
               ? 0
               : error_set(err, -EBADMSG, "%s has the sum %s, the recipe says %s", dir, found, sum);
}

/* The Go command */

void gomod_env(const struct source_context *ctx, const char *go, struct strv *env)
{
    static const char *const kept[] = {
        "HOME",      "TMPDIR",        "GOPROXY",      "GOSUMDB",  "GONOSUMDB",  "GONOPROXY",
        "GOPRIVATE", "HTTP_PROXY",    "HTTPS_PROXY",  "NO_PROXY", "http_proxy", "https_proxy",
        "no_proxy",  "SSL_CERT_FILE", "SSL_CERT_DIR", NULL};
    for (const char *const *name = kept; *name; name++)
        if (getenv(*name))
            strv_addf(env, "%s=%s", *name, getenv(*name));
    AUTO_FREE char *bin = path_dirname(go);
    strv_addf(env, "PATH=%s:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", bin);
    strv_addf(env, "GOMODCACHE=%s/go/mod", ctx->cache_dir);
    strv_addf(env, "GOCACHE=%s/go/build", ctx->cache_dir);
    strv_addf(env, "GOARCH=%s", ctx->recipe->architecture);
    /* All that a user's own settings could change in the result. */
    static const char *const fixed[] = {
        "GO111MODULE=on", "GOTOOLCHAIN=local", "GOWORK=off",      "GOOS=linux", "GOAMD64=v1",
        "GOARM64=v8.0",   "GOEXPERIMENT=",     "GODEBUG=",        "CC=gcc",     "GOMAXPROCS=2",
        "LC_ALL=C",       "CGO_CFLAGS=-O2",    "CGO_LDFLAGS=-O2", NULL};
    strv_add_all(env, fixed);
    /* A quarter less work for the compiler, whose largest package then takes 0.5 GB, not 0.4. */
    strv_add(env, "GOGC=400");
}

static int download(const struct source_context *ctx, const char *go, const char *module,
                    struct error *err)
{
    STRV(env);
    gomod_env(ctx, go, &env);
    strv_add(&env, "GOFLAGS=-mod=mod -modcacherw");
    const char *const argv[] = {go, "mod", "download", "-json", module, NULL};
    STRBUF(reply, REPLY_MAX);
    const struct process_options opts = {.env = (const char *const *) env.items,
                                         .cwd = ctx->cache_dir,
                                         .out = &reply,
                                         .timeout_ms = FETCH_TIMEOUT_MS,
                                         .cancel = ctx->cancel,
                                         .die_with_parent = true};
    source_progress(ctx, "fetching %s", module);
    int r = process_run(argv, &opts, NULL, err);
    if (r != -EREMOTEIO)
        return r;
    /* With -json, Go tells what is wrong on its standard output. */
    AUTO_JSON *json = json_parse(reply.data, reply.len, module, NULL);
    const char *cause = json ? json_get_string(json, "Error", NULL) : NULL;
    if (cause)
        error_set(err, r, "fetch %s: %s", module, cause);
    return error_remedy(err, "the Go module proxy has to be reachable (GOPROXY)");
}

/* Module paths are stored with "!" and lower case for each upper case letter. */
static char *module_dir(const struct source_context *ctx, const char *module)
{
    STRBUF(path, 4096);
    strbuf_addf(&path, "%s/go/mod/", ctx->cache_dir);
    for (const char *p = module; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            strbuf_addf(&path, "!%c", *p - 'A' + 'a');
        else
            strbuf_addc(&path, *p);
    return strbuf_steal(&path);
}

int gomod_fetch_with(const struct source_context *ctx, const char *go, const char *module,
                     const char *sum, char **out, struct error *err)
{
    AUTO_FREE char *dir = module_dir(ctx, module);
    if (access(dir, F_OK) != 0 || check_sum(dir, module, sum, NULL) < 0) {
        int r;
        if ((access(dir, F_OK) == 0 && (r = path_remove_tree(dir, err)) < 0) ||
            (r = download(ctx, go, module, err)) < 0)
            return r;
        if (check_sum(dir, module, sum, err) < 0)
            return error_remedy(err,
                                "correct the sum in the recipe only if you know why it changed");
    }
    *out = TAKE_PTR(dir);
    return 0;
}

/* Any Go will do to fetch the one that we use: Debian 12 has 1.19. */
static int any_go(char **out, struct error *err)
{
    if (process_in_path("go")) {
        *out = xstrdup("go");
        return 0;
    }
    glob_t found = {0};
    glob("/usr/lib/go-*/bin/go", 0, NULL, &found);
    glob("/usr/local/go/bin/go", GLOB_APPEND, NULL, &found);
    if (found.gl_pathc > 0)
        *out = xstrdup(found.gl_pathv[0]);
    globfree(&found);
    if (*out)
        return 0;
    error_set(err, -ENOENT, "no Go on this machine to fetch modules with");
    return error_remedy(err, "apt-get install golang-go (any version from 1.16 on)");
}

/* A module's zip carries no modes. */
static int make_executable(const char *dir, struct error *err)
{
    AUTO_DIR *d = opendir(dir);
    if (!d)
        return error_errno(err, -errno, "list %s", dir);
    int r = 0;
    for (struct dirent *e; r == 0 && (e = readdir(d));)
        if (e->d_type == DT_REG && fchmodat(dirfd(d), e->d_name, 0755, 0) < 0)
            r = error_errno(err, -errno, "chmod %s/%s", dir, e->d_name);
    return r;
}

int gomod_toolchain(const struct source_context *ctx, char **go, struct error *err)
{
    AUTO_FREE char *old = NULL;
    int r = any_go(&old, err);
    if (r < 0)
        return r;
    AUTO_FREE char *module = xasprintf(TOOLCHAIN_MODULE "%s.linux-" OWN_ARCHITECTURE,
                                       ctx->recipe->toolchain);
    AUTO_FREE char *dir = NULL;
    source_progress(ctx, "checking the compiler %s", ctx->recipe->toolchain);
    r = gomod_fetch_with(ctx, old, module, ctx->recipe->toolchain_sum, &dir, err);
    if (r < 0)
        return r;
    AUTO_FREE char *bin = path_join(dir, "bin");
    AUTO_FREE char *tools = xasprintf("%s/pkg/tool/linux_" OWN_ARCHITECTURE, dir);
    if ((r = make_executable(bin, err)) < 0 || (r = make_executable(tools, err)) < 0)
        return r;
    *go = path_join(bin, "go");
    return 0;
}

int gomod_fetch(const struct source_context *ctx, const char *module, const char *sum, char **out,
                struct error *err)
{
    AUTO_FREE char *go = NULL;
    int r = ctx->recipe->toolchain ? gomod_toolchain(ctx, &go, err) : any_go(&go, err);
    return r < 0 ? r : gomod_fetch_with(ctx, go, module, sum, out, err);
}
