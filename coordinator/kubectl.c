#include "coordinator/kubectl.h"

#include "images/extract.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PROGRAM "usr/local/bin/kubectl"
#define HASH_FILE "kubectl.sha256"

void kubectl_release(struct kubectl *k)
{
    free(k->program);
    free(k->kubeconfig);
    *k = KUBECTL_INIT;
}

/* It is what was unpacked: a disk may have lost some of it. */
static bool is_whole(const char *dir)
{
    AUTO_FREE char *program = path_join(dir, PROGRAM);
    AUTO_FREE char *hash = path_join(dir, HASH_FILE);
    char digest[DIGEST_SIZE];
    return digest_file(program, digest, NULL, NULL) == 0 &&
           file_is(hash, digest, strlen(digest), 0600) == 1 && access(program, X_OK) == 0;
}

static int unpack(const struct bundle *b, const struct component *c, const char *dir,
                  struct error *err)
{
    AUTO_FREE char *program = path_join(dir, PROGRAM);
    AUTO_FREE char *hash = path_join(dir, HASH_FILE);
    char digest[DIGEST_SIZE];
    if (extract_blob(b, c->blob, dir, err) < 0 || digest_file(program, digest, NULL, err) < 0)
        return error_prefix(err, "kubectl of the bundle");
    return file_write_atomic(hash, digest, strlen(digest), 0600, err);
}

/* Another process may be doing the same: whoever is last finds it there. */
static int move_into_place(const char *staging, const char *dir, struct error *err)
{
    if (rename(staging, dir) == 0 || is_whole(dir))
        return 0;
    int r = path_remove_tree(dir, err);
    if (r < 0)
        return r;
    return rename(staging, dir) == 0 ? 0 : error_errno(err, -errno, "rename %s", staging);
}

static int make_folder(const struct bundle *b, const struct component *c, const char *dir,
                       struct error *err)
{
    AUTO_FREE char *parent = path_dirname(dir);
    AUTO_FREE char *staging = path_join(parent, ".kubectl.XXXXXX");
    int r = path_mkdir_p(parent, 0755, err);
    if (r < 0)
        return r;
    if (!mkdtemp(staging))
        return error_errno(err, -errno, "make a folder in %s", parent);
    if ((r = unpack(b, c, staging, err)) == 0)
        r = move_into_place(staging, dir, err);
    if (access(staging, F_OK) == 0)
        (void) path_remove_tree(staging, NULL);
    return r;
}

static const struct component *find(const struct bundle *b)
{
    struct utsname machine;
    if (!b || uname(&machine) < 0 ||
        strcmp(bundle_architecture(machine.machine), b->architecture) != 0)
        return NULL;
    const struct component *c = bundle_find(b, "kubectl");
    return c && c->kind == COMPONENT_FILES ? c : NULL;
}

static int find_program(const struct bundle *b, char **out, struct error *err)
{
    const struct component *c = find(b);
    if (!c) {
        *out = xstrdup("kubectl");
        if (process_in_path(*out))
            return 0;
        error_set(err, -ENOENT,
                  "there is no kubectl: neither in a bundle for this machine nor in "
                  "PATH");
        return error_remedy(err, "name a bundle that has it (--bundle), or install kubectl");
    }
    AUTO_FREE char *cache = path_cache_dir();
    AUTO_FREE char *dir = xasprintf("%s/kubectl-%s", cache, c->blob + strlen("sha256:"));
    int r = is_whole(dir) ? 0 : make_folder(b, c, dir, err);
    *out = path_join(dir, PROGRAM);
    return r;
}

int kubectl_open(const struct bundle *b, const char *kubeconfig, const bool *cancel,
                 struct kubectl *out, struct error *err)
{
    if (kubeconfig && access(kubeconfig, R_OK) < 0) {
        error_errno(err, -errno, "kubeconfig %s", kubeconfig);
        return error_remedy(err, "name the cluster's: --kubeconfig FILE");
    }
    CLEANUP(kubectl_release)
    struct kubectl k = {.kubeconfig = kubeconfig ? xstrdup(kubeconfig) : NULL, .cancel = cancel};
    int r = find_program(b, &k.program, err);
    if (r < 0)
        return r;
    *out = k;
    k = KUBECTL_INIT;
    return 0;
}

/* client-go's words. */
static bool is_unreachable(const char *text)
{
    static const char *const words[] = {"Unable to connect to the server",
                                        "connection to the server",
                                        "no route to host",
                                        "i/o timeout",
                                        "connection refused",
                                        "network is unreachable"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strstr(text, words[i]))
            return true;
    return false;
}

static int judge(const struct kubectl *k, int r, struct error *err)
{
    if (r != -EREMOTEIO || !err || !k->kubeconfig || !is_unreachable(err->text))
        return r;
    err->code = -EHOSTUNREACH;
    return error_remedy(err,
                        "the API server that %s names must be reached from this machine; or go to "
                        "one that reaches it, with that file and the bundle, and say "
                        "`bigtop-bootstrap stack apply` there",
                        k->kubeconfig);
}

int kubectl_run(const struct kubectl *k, const char *const args[], const char *input,
                int timeout_ms, struct strbuf *out, struct error *err)
{
    STRV(argv);
    strv_add(&argv, k->program);
    if (k->kubeconfig)
        strv_addf(&argv, "--kubeconfig=%s", k->kubeconfig);
    strv_add_all(&argv, args);
    const struct process_options opts = {.stdin_data = input,
                                         .stdin_len = input ? strlen(input) : 0,
                                         .out = out,
                                         .timeout_ms = timeout_ms,
                                         .cancel = k->cancel,
                                         .die_with_parent = true};
    int r = process_runv(&argv, &opts, NULL, err);
    if (r == 0 && out && strbuf_full(out))
        return error_set(err, -E2BIG, "kubectl %s said more than %zu bytes", args[0], out->max);
    return judge(k, r, err);
}

int kubectl_json(const struct kubectl *k, const char *const args[], const char *input, json_t **out,
                 struct error *err)
{
    STRBUF(text, KUBECTL_OUTPUT_MAX);
    STRV(argv);
    strv_add_all(&argv, args);
    strv_add(&argv, "-o");
    strv_add(&argv, "json");
    int r = kubectl_run(k, (const char *const *) argv.items, input, KUBECTL_TIMEOUT_MS, &text, err);
    if (r < 0)
        return r;
    json_t *value = text.len ? json_parse(text.data, text.len, "kubectl's answer", err) : NULL;
    if (text.len && !value)
        return err ? err->code : -EBADMSG;
    *out = value;
    return 0;
}

int kubectl_find(const struct kubectl *k, const char *kind, const char *name, const char *space,
                 json_t **out, struct error *err)
{
    const char *const args[] = {"get", kind, name, "--ignore-not-found", space ? "-n" : NULL,
                                space, NULL};
    return kubectl_json(k, args, NULL, out, err);
}

void kubectl_last_line(const struct kubectl *k, const char *pod, const char *space,
                       const char *container, struct strbuf *out)
{
    const char *const args[] = {"logs",    pod, "--tail=1", "-n", space, container ? "-c" : NULL,
                                container, NULL};
    strbuf_reset(out);
    if (kubectl_run(k, args, NULL, KUBECTL_TIMEOUT_MS, out, NULL) < 0)
        strbuf_reset(out);
    while (out->len > 0 && out->data[out->len - 1] == '\n')
        out->data[--out->len] = '\0';
}

bool kubectl_cancelled(const struct kubectl *k)
{
    return k->cancel && __atomic_load_n(k->cancel, __ATOMIC_RELAXED);
}
