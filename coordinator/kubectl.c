#include "coordinator/kubectl.h"

#include "coordinator/bundle-program.h"
#include "lib/kube.h"
#include "lib/process.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void kubectl_release(struct kubectl *k)
{
    free(k->program);
    free(k->kubeconfig);
    *k = KUBECTL_INIT;
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
    int r = bundle_program(b, "kubectl", &k.program, err);
    if (r < 0)
        return r;
    *out = k;
    k = KUBECTL_INIT;
    return 0;
}

static int judge(const struct kubectl *k, int r, struct error *err)
{
    if (r != -EREMOTEIO || !err || !k->kubeconfig || !kube_said_unreachable(err->text))
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
