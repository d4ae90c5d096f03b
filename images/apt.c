#include "images/apt.h"

#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define APT_TIMEOUT_MS (30 * 60 * 1000)
#define REPLY_MAX (1024 * 1024)

void apt_package_release(struct apt_package *p)
{
    free(p->name);
    free(p->version);
    free(p->path);
    *p = (struct apt_package){0};
}

void apt_packages_release(struct apt_packages *p)
{
    for (size_t i = 0; i < p->count; i++)
        apt_package_release(&p->items[i]);
    free(p->items);
    *p = (struct apt_packages){0};
}

bool apt_is_package(const char *s)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyz0123456789+.-";
    static const char version[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-~:";
    size_t len = strspn(s, name);
    if (len < 2 || strchr("+.-", s[0]))
        return false;
    if (s[len] == '=')
        return s[len + 1] && strspn(s + len + 1, version) == strlen(s + len + 1);
    return s[len] == '\0';
}

struct apt {
    const struct apt_request *request;
    char *root;
    struct strv options;
};

static void apt_release(struct apt *a)
{
    free(a->root);
    strv_release(&a->options);
}

static int apt_open(const struct apt_request *request, struct apt *a, struct error *err)
{
    static const char *const folders[] = {"state/lists/partial", "cache/archives/partial", "log"};
    a->request = request;
    a->root = path_join(request->cache_dir, "apt");
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        AUTO_FREE char *dir = path_join(a->root, folders[i]);
        int r = path_mkdir_p(dir, 0755, err);
        if (r < 0)
            return r;
    }
    AUTO_FREE char *status = path_join(a->root, "status");
    int r = file_write_atomic(status, "", 0, 0644, err);
    const char *arch = request->architecture;
    strv_addf(&a->options, "-oDir::State=%s/state", a->root);
    strv_addf(&a->options, "-oDir::State::status=%s", status);
    strv_addf(&a->options, "-oDir::Cache=%s/cache", a->root);
    strv_addf(&a->options, "-oDir::Log=%s/log", a->root);
    strv_addf(&a->options, "-oAPT::Architecture=%s", arch);
    strv_addf(&a->options, "-oAPT::Architectures=%s", arch);
    strv_addf(&a->options, "-oAPT::Default-Release=/^%s(-security|-updates)?$/", request->suite);
    static const char *const fixed[] = {
        "-oAPT::Sandbox::User=root",    "-oAcquire::ForceHash=sha256", "-oAcquire::Languages=none",
        "-oAPT::Install-Recommends=no", "-oAPT::Install-Suggests=no",  NULL};
    strv_add_all(&a->options, fixed);
    return r;
}

static int apt_get(struct apt *a, const char *const *command, const struct strv *packages,
                   struct strbuf *out, struct error *err)
{
    STRV(argv);
    strv_add(&argv, "apt-get");
    strv_add_all(&argv, (const char *const *) a->options.items);
    strv_add_all(&argv, command);
    if (packages) {
        strv_add(&argv, "--");
        strv_add_all(&argv, (const char *const *) packages->items);
    }
    const struct process_options opts = {.out = out,
                                         .timeout_ms = APT_TIMEOUT_MS,
                                         .cancel = a->request->cancel,
                                         .die_with_parent = true};
    int r = process_runv(&argv, &opts, NULL, err);
    return r == -EREMOTEIO
               ? error_remedy(err,
                              "are the machine's APT sources reachable? apt-get update shows it")
               : r;
}

static void tell(const struct apt_request *request, const char *text)
{
    if (request->progress)
        request->progress(request->userdata, text);
}

static int check_suite(struct apt *a, const char *suite, struct error *err)
{
    static const char *const targets[] = {"indextargets", "--format", "$(CODENAME)", NULL};
    STRBUF(out, REPLY_MAX);
    int r = apt_get(a, targets, NULL, &out, err);
    if (r < 0)
        return r;
    STRV(names);
    strv_split(&names, out.data, '\n');
    if (strv_contains(&names, suite))
        return 0;
    error_set(err, -ENOENT, "the machine's APT sources do not have Debian %s", suite);
    return error_remedy(err, "add Debian %s to the APT sources, or build on Debian %s", suite,
                        suite);
}

/* NAME_VERSION_ARCH.deb, the colon after an epoch written as %3a. */
static bool parse_file(const char *file, struct apt_package *out)
{
    STRV(parts);
    strv_split(&parts, file, '_');
    if (parts.count != 3 || strchr(file, '/'))
        return false;
    const char *version = parts.items[1], *colon = strstr(version, "%3a");
    AUTO_FREE char *plain = colon
                                ? xasprintf("%.*s:%s", (int) (colon - version), version, colon + 3)
                                : xstrdup(version);
    AUTO_FREE char *whole = xasprintf("%s=%s", parts.items[0], plain);
    if (!apt_is_package(whole))
        return false;
    out->name = xstrdup(parts.items[0]);
    out->version = TAKE_PTR(plain);
    return true;
}

int apt_parse_uri(const char *line, const char *archives, struct apt_package *out,
                  struct error *err)
{
    CLEANUP(apt_package_release) struct apt_package p = {0};
    STRV(words);
    STRBUF(digest, DIGEST_SIZE);
    strv_split(&words, line, ' ');
    if (words.count == 4 && strncmp(words.items[3], "SHA256:", 7) == 0)
        strbuf_addf(&digest, "sha256:%s", words.items[3] + 7);
    if (!digest_is_valid(digest.data) || words.items[0][0] != '\'' ||
        !parse_file(words.items[1], &p))
        return error_set(err, -EBADMSG, "apt-get said something unexpected: %s", line);
    memcpy(p.digest, digest.data, DIGEST_SIZE);
    p.path = path_join(archives, words.items[1]);
    *out = p;
    p = (struct apt_package){0};
    return 0;
}

static int parse_uris(const struct apt *a, const char *text, struct apt_packages *out,
                      struct error *err)
{
    AUTO_FREE char *archives = path_join(a->root, "cache/archives");
    AUTO_APT_PACKAGES found = {0};
    STRV(lines);
    strv_split(&lines, text, '\n');
    if (lines.count == 0)
        return error_set(err, -ENODATA, "APT gave no packages");
    found.items = xcalloc(lines.count, sizeof(*found.items));
    for (size_t i = 0; i < lines.count; i++) {
        int r = apt_parse_uri(lines.items[i], archives, &found.items[found.count], err);
        if (r < 0)
            return r;
        found.count++;
    }
    *out = found;
    found = (struct apt_packages){0};
    return 0;
}

int apt_resolve(const struct apt_request *request, struct apt_packages *out, struct error *err)
{
    static const char *const update[] = {"-q", "update", NULL};
    static const char *const clean[] = {"clean", NULL};
    static const char *const print[] = {"-qq", "-y", "--print-uris", "install", NULL};
    CLEANUP(apt_release) struct apt a = {0};
    STRBUF(uris, REPLY_MAX);
    int r;
    tell(request, "apt-get update");
    /* What is there already would not be printed: the list has to be whole. */
    if ((r = apt_open(request, &a, err)) < 0 || (r = apt_get(&a, update, NULL, NULL, err)) < 0 ||
        (r = check_suite(&a, request->suite, err)) < 0 ||
        (r = apt_get(&a, clean, NULL, NULL, err)) < 0 ||
        (r = apt_get(&a, print, request->packages, &uris, err)) < 0)
        return r;
    return parse_uris(&a, uris.data, out, err);
}

static int check_file(const struct apt_package *p, struct error *err)
{
    char digest[DIGEST_SIZE];
    int r = digest_file(p->path, digest, NULL, err);
    if (r < 0)
        return r;
    if (strcmp(digest, p->digest) != 0)
        return error_set(err, -EBADMSG, "%s is %s, APT announced %s", p->path, digest, p->digest);
    return 0;
}

int apt_download(const struct apt_request *request, const struct apt_packages *packages,
                 struct error *err)
{
    static const char *const get[] = {"-qq", "-y", "--download-only", "install", NULL};
    CLEANUP(apt_release) struct apt a = {0};
    tell(request, "fetching packages");
    int r = apt_open(request, &a, err);
    if (r == 0)
        r = apt_get(&a, get, request->packages, NULL, err);
    for (size_t i = 0; r == 0 && i < packages->count; i++)
        r = check_file(&packages->items[i], err);
    return r;
}
