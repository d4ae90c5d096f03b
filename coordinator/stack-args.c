#include "coordinator/stack-args.h"

#include "coordinator/named-keys.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void stack_close(struct stack_opened *s)
{
    view_close(&s->view);
    stack_work_release(&s->work);
    bundle_release(&s->bundle);
}

/* kubectl would merge several files of the variable; the first one says which cluster is meant. */
static char *kubeconfig_path(const char *option)
{
    const char *named = getenv("KUBECONFIG");
    if (option)
        return xstrdup(option);
    if (named && named[0] && named[0] != ':')
        return xstrndup(named, strcspn(named, ":"));
    return path_expand_home("~/.kube/config");
}

static int open_verified(const char *path, const struct stack_arguments *a,
                         const struct inventory *inv, struct bundle *out, struct error *err)
{
    AUTO_TRUSTED_KEYS trusted = {0};
    const struct inventory none = INVENTORY_INIT;
    if (a->insecure)
        return bundle_open(path, NULL, out, err);
    int r = named_keys_load(inv ? inv : &none, &a->keys, &trusted, err);
    if (r < 0)
        return r;
    if (trusted.count > 0)
        return bundle_open(path, &trusted, out, err);
    error_set(err, -ENOKEY, "nothing says whose bundle %s must be", path);
    return error_remedy(err, "name the public key of who signs it: --key NAME.pub; "
                             "--insecure-bundle takes it unverified");
}

/* Without one that is named, and none in the cache, it goes without. */
static int open_bundle(const struct stack_arguments *a, const struct inventory *inv,
                       struct stack_opened *out)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *cache = path_cache_dir();
    const char *named = a->bundle ? a->bundle : inv ? inv->bundle : NULL;
    AUTO_FREE char *path = named ? path_expand_home(named) : path_join(cache, "bundle");
    if (!named && access(path, F_OK) < 0)
        return EXIT_DONE;
    int r = open_verified(path, a, inv, &out->bundle, &err);
    if (r < 0)
        return command_fail(r == -ENOKEY || r == -EKEYREJECTED ? EXIT_REFUSED : EXIT_BAD_INPUT,
                            &err);
    if (a->insecure)
        command_warn("INSECURE: the signature of the bundle %s is not checked", path);
    return EXIT_DONE;
}

static int judge(int r, const struct error *err)
{
    if (r == -EHOSTUNREACH || r == -ETIMEDOUT)
        return command_fail(EXIT_HOST_FAILED, err);
    if (r < 0)
        return command_fail(r == -ECANCELED ? EXIT_INTERRUPTED : EXIT_BAD_INPUT, err);
    return EXIT_DONE;
}

int stack_open_cluster(const struct stack_arguments *a, const struct inventory *inv,
                       struct stack_opened *out)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *kubeconfig = kubeconfig_path(a->kubeconfig);
    int code = open_bundle(a, inv, out);
    if (code != EXIT_DONE)
        return code;
    return judge(kubectl_open(out->bundle.json ? &out->bundle : NULL, kubeconfig, &interrupted,
                              &out->work.kubectl, &err),
                 &err);
}

int stack_open(const struct stack_arguments *a, struct stack_opened *out)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *kubeconfig = kubeconfig_path(a->kubeconfig);
    int code = open_bundle(a, NULL, out);
    if (code != EXIT_DONE)
        return code;
    const struct stack_choice choice = {.bundle = out->bundle.json ? &out->bundle : NULL,
                                        .profile = a->profile,
                                        .kubeconfig = kubeconfig,
                                        .cancel = &interrupted};
    return judge(stack_work_open(&choice, &out->work, &err), &err);
}
