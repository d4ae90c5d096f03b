#include "coordinator/job.h"

#include "coordinator/addons.h"
#include "coordinator/find-hosts.h"
#include "coordinator/named-keys.h"
#include "lib/path.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <unistd.h>

#define FIND_MS 20000

static char *bundle_dir(const struct inventory *inv, const char *option)
{
    if (option)
        return path_expand_home(option);
    if (inv->bundle)
        return xstrdup(inv->bundle);
    AUTO_FREE char *cache = path_cache_dir();
    return path_join(cache, "bundle");
}

char *job_kubeconfig_path(const struct inventory *inv)
{
    AUTO_FREE char *dir = path_dirname(inv->path);
    AUTO_FREE char *name = xasprintf("%s.kubeconfig", inv->cluster_name);
    return path_join(dir, name);
}

/* No signature, another's, or an older serial; else the bundle cannot be read. */
static bool is_refusal(int r)
{
    return r == -ENOKEY || r == -EKEYREJECTED || r == -ESTALE;
}

#define REMEDY_INSECURE "--insecure-bundle installs it unverified"

/* What is wrong with the bundle's signature, in words for who installs it. */
static int distrust(const char *path, int r, bool has_keys, struct error *err)
{
    if (r == -ENOKEY) {
        error_set(err, r, "the bundle %s is not signed", path);
        (void) error_remedy(err,
                            "get a signed one, or sign your own: bigtop-bootstrap bundle sign "
                            "--key NAME.key %s; " REMEDY_INSECURE,
                            path);
    } else if (!has_keys) {
        error_set(err, r, "nothing says whose bundle %s must be", path);
        (void) error_remedy(err, "name the public key of who signs it: --key NAME.pub, or "
                                 "`bundle_keys` in hosts.yaml; " REMEDY_INSECURE);
    }
    return r;
}

static int open_verified(struct job *j, const char *dir, const struct bundle_options *o,
                         struct error *err)
{
    AUTO_TRUSTED_KEYS trusted = {0};
    int r;
    if (o->insecure && o->keys.count)
        return error_set(err, -EINVAL, "either --key or --insecure-bundle, not both");
    if (o->insecure)
        return bundle_open(dir, NULL, &j->bundle, err);
    if ((r = named_keys_load(&j->inv, &o->keys, &j->named, err)) < 0)
        return r;
    applied_trusted(&j->applied, &j->named, &trusted);
    r = bundle_open(dir, &trusted, &j->bundle, err);
    return is_refusal(r) ? distrust(dir, r, trusted.count > 0, err) : r;
}

static int open_bundle(struct job *j, const struct bundle_options *o, struct error *err)
{
    AUTO_FREE char *dir = bundle_dir(&j->inv, o->dir);
    int r;
    if ((r = applied_load(&j->inv, &j->applied, err)) < 0)
        return r;
    r = open_verified(j, dir, o, err);
    if (r == -ENOENT)
        error_remedy(err,
                     "build one: bigtop-bootstrap bundle build images/recipes/default.yaml "
                     "-o %s; or name one with --bundle",
                     dir);
    if (r == 0 && !j->bundle.kubernetes) {
        r = error_set(err, -EINVAL, "the bundle in %s has no Kubernetes", dir);
        error_remedy(err, "name a bundle that a cluster can be made of: --bundle DIR");
    }
    r = r < 0 ? r : applied_judge(&j->applied, &j->bundle, o->serial, err);
    r = r < 0 ? r : addons_check(&j->inv, &j->bundle, err);
    return r < 0 ? r : job_open_stack(j, err);
}

static void warn_insecure(struct job *j)
{
    view_warn(j->view, NULL,
              "INSECURE: nobody vouches for this bundle: its signature is not checked, and whoever "
              "could write to %s decides what runs as root on your hosts",
              j->bundle.path);
}

/* etcd goes on as long as a majority is there. */
static void warn_even(struct job *j)
{
    size_t n = 0;
    for (size_t i = 0; i < j->inv.host_count; i++)
        n += j->inv.hosts[i].state == STATE_PRESENT && (j->inv.hosts[i].roles & ROLE_CONTROL_PLANE);
    if (n % 2 == 0)
        view_warn(j->view, NULL,
                  "%zu control planes bear the loss of %zu, no more than %zu would, and one more "
                  "can fail: take an odd number",
                  n, n / 2 - 1, n - 1);
}

int job_load(const char *hosts_yaml, struct inventory *inv)
{
    struct error err = ERROR_INIT;
    if (inventory_load(hosts_yaml, inv, &err) < 0)
        return command_fail(err.code == -EPERM ? EXIT_REFUSED : EXIT_BAD_INPUT, &err);
    return EXIT_DONE;
}

int job_open(struct job *j, const char *hosts_yaml, const struct bundle_options *bundle,
             enum view_mode mode)
{
    struct error err = ERROR_INIT;
    int r, code = job_load(hosts_yaml, &j->inv);
    if (code != EXIT_DONE)
        return code;
    if (bundle && (r = open_bundle(j, bundle, &err)) < 0)
        return command_fail(is_refusal(r) ? EXIT_REFUSED : EXIT_BAD_INPUT, &err);
    if ((r = find_hosts(&j->inv, FIND_MS, &interrupted, &j->found, &err)) < 0)
        return command_fail(interrupted    ? EXIT_INTERRUPTED
                            : r == -EEXIST ? EXIT_REFUSED
                                           : EXIT_HOST_FAILED,
                            &err);
    if (j->recalls) {
        if (applied_hosts_load(&j->inv, &j->known, &err) < 0)
            return command_fail(EXIT_BAD_INPUT, &err);
        applied_hosts_recall(&j->known, &j->inv);
    }
    j->view = view_open(mode, &j->inv);
    for (size_t i = 0; i < j->found.count; i++)
        view_note(j->view, NULL, "%s", j->found.items[i]);
    if (run_init(&j->run, &j->inv, bundle ? &j->bundle : NULL, j->view, &err) < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    if (!bundle)
        return EXIT_DONE;
    j->run.stack = j->inv.profile ? &j->stack : NULL;
    j->run.serial = bundle->serial;
    j->run.applied = &j->applied;
    j->run.named = &j->named;
    j->run.known = j->recalls ? &j->known : NULL;
    warn_even(j);
    j->insecure = bundle->insecure;
    if (j->insecure)
        warn_insecure(j);
    return EXIT_DONE;
}

void job_close(struct job *j)
{
    if (j->insecure)
        warn_insecure(j);
    run_release(&j->run);
    view_close(&j->view);
    trusted_keys_release(&j->named);
    applied_release(&j->applied);
    applied_hosts_release(&j->known);
    stack_work_release(&j->stack);
    bundle_release(&j->bundle);
    strv_release(&j->found);
    inventory_release(&j->inv);
}

size_t job_changed(const struct job *j)
{
    size_t n = 0;
    for (size_t i = 0; i < j->inv.host_count; i++)
        n += j->run.hosts[i].changed;
    return n;
}

static int64_t bytes_sent(const struct job *j)
{
    int64_t sum = 0;
    for (size_t i = 0; i < j->inv.host_count; i++)
        sum += j->run.hosts[i].sent;
    return sum;
}

void job_report_transfer(const struct job *j)
{
    const struct distribution *d = j->run.distribution;
    if (d && d->size > 0)
        view_transfer(j->view, bytes_sent(j), d->size);
}
