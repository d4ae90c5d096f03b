/* Hosts that were applied and whose lines are gone: a line deleted by accident must not destroy. */
#include "coordinator/job.h"

#include <errno.h>
#include <string.h>

static bool is_called(const struct host *h, const char *name)
{
    return strcmp(host_label(h), name) == 0 || strcmp(h->address, name) == 0;
}

static int check_name(const struct job *j, const char *name)
{
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < j->inv.host_count; i++)
        if (j->inv.hosts[i].remembered && is_called(&j->inv.hosts[i], name))
            return EXIT_DONE;
    error_set(&err, -EINVAL,
              "--remove %s: no host of that name was applied here and has lost its line", name);
    (void) error_remedy(&err, "take its line out of %s, or mark it `state: absent` there",
                        j->inv.path);
    return command_fail(EXIT_BAD_INPUT, &err);
}

static bool is_named(const struct host *h, const struct strv *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (is_called(h, names->items[i]))
            return true;
    return false;
}

int job_need_removals(struct job *j, const struct strv *names, bool yes)
{
    struct consent *c = &j->run.consent;
    for (size_t i = 0; i < names->count; i++) {
        int code = check_name(j, names->items[i]);
        if (code != EXIT_DONE)
            return code;
    }
    c->given[CONSENT_REMOVAL] = yes;
    for (size_t i = 0; i < j->inv.host_count; i++) {
        const struct host *h = &j->inv.hosts[i];
        if (h->remembered && !is_named(h, names))
            consent_need(c, CONSENT_REMOVAL,
                         "%s has no line in %s any more: its node is drained and removed, and the "
                         "host is reset (alone: --remove %s)",
                         host_label(h), j->inv.path, host_label(h));
    }
    return EXIT_DONE;
}

/* Out of the cluster, and nobody can say when the host is there to be reset. */
static bool is_out(const struct host_run *h)
{
    return h->host->state == STATE_ABSENT &&
           (h->error.code == 0 || (h->host->remembered && h->removed && !h->facts.json));
}

int job_forget_removed(struct job *j, struct error *err)
{
    bool any = false;
    for (size_t i = 0; i < j->inv.host_count; i++) {
        if (!is_out(&j->run.hosts[i]))
            continue;
        applied_hosts_forget(&j->known, j->run.hosts[i].host);
        any = true;
    }
    return any ? applied_hosts_save(&j->known, err) : 0;
}
