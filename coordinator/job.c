#include "coordinator/job.h"

#include "lib/path.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <unistd.h>

char *job_bundle_dir(const struct inventory *inv, const char *option)
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

static int open_bundle(struct job *j, const char *option, struct error *err)
{
    AUTO_FREE char *dir = job_bundle_dir(&j->inv, option);
    int r = bundle_open(dir, NULL, &j->bundle, err);
    if (r == -ENOENT)
        error_remedy(err,
                     "build one: bigtop-bootstrap bundle build images/recipes/default.yaml "
                     "-o %s; or name one with --bundle",
                     dir);
    return r;
}

int job_load(const char *hosts_yaml, struct inventory *inv)
{
    struct error err = ERROR_INIT;
    if (inventory_load(hosts_yaml, inv, &err) < 0)
        return command_fail(err.code == -EPERM ? EXIT_REFUSED : EXIT_BAD_INPUT, &err);
    return EXIT_DONE;
}

int job_open(struct job *j, const char *hosts_yaml, const char *bundle_dir, bool needs_bundle,
             enum view_mode mode)
{
    struct error err = ERROR_INIT;
    int code = job_load(hosts_yaml, &j->inv);
    if (code != EXIT_DONE)
        return code;
    if (needs_bundle && open_bundle(j, bundle_dir, &err) < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    j->view = view_open(mode, &j->inv);
    if (run_init(&j->run, &j->inv, needs_bundle ? &j->bundle : NULL, j->view, &err) < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    return EXIT_DONE;
}

void job_close(struct job *j)
{
    run_release(&j->run);
    view_close(&j->view);
    bundle_release(&j->bundle);
    inventory_release(&j->inv);
}

size_t job_changed(const struct job *j)
{
    size_t n = 0;
    for (size_t i = 0; i < j->inv.host_count; i++)
        n += j->run.hosts[i].changed;
    return n;
}
