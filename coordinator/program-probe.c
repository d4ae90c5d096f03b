/* How fast the disks of new hosts are, before anything is changed. All hosts measure at the same
 * time, while those that are slow to connect still do. */
#include "coordinator/consent.h"
#include "coordinator/preflight-data.h"
#include "coordinator/program.h"

#include <errno.h>

#define PROBE_SECONDS 3
#define PROBE_TIMEOUT_MS 30000

static json_t *paths_of(const struct host_run *h, bool mounted)
{
    STRV(paths);
    data_paths(h->host, h->facts.json, mounted, &paths);
    return json_texts(&paths);
}

static void judge(struct host_run *h, const json_t *measured)
{
    struct run *run = h->run;
    struct findings findings = FINDINGS_INIT;
    STRV(consent);
    STRBUF(words, 1024);
    data_words(measured, &words);
    data_check(measured, &findings, &consent);
    if (run->read_only)
        view_note(run->view, h->host, "%s", words.data);
    for (size_t i = 0; i < findings.count; i++)
        view_warn(run->view, h->host, "%s; %s", findings.items[i].text, findings.items[i].remedy);
    for (size_t i = 0; i < consent.count; i++)
        consent_need(&run->consent, CONSENT_SLOW_DISKS, "%s: %s", host_label(h->host),
                     consent.items[i]);
    findings_release(&findings);
}

static int probe(struct host_run *h, bool mounted, struct error *err)
{
    AUTO_JSON *paths = paths_of(h, mounted);
    AUTO_JSON *result = NULL;
    if (json_array_size(paths) == 0)
        return 0;
    json_t *params = json_pack("{s:O,s:i}", "paths", paths, "seconds", PROBE_SECONDS);
    int r = run_call(h, "probe", params, PROBE_TIMEOUT_MS, &result, err);
    size_t i;
    json_t *measured;
    json_array_foreach(json_object_get(result, "probes"), i, measured)
        judge(h, measured);
    return r;
}

int phase_probe(struct host_run *h, struct error *err)
{
    return h->facts.role ? 0 : probe(h, true, err); /* a node has its data where it has it */
}

/* Disks that were formatted and mounted by now: there was nothing to measure before. Nothing is on
 * them yet, so this is still the time to say no. */
int phase_probe_disks(struct host_run *h, struct error *err)
{
    STRV(needed);
    if (h->facts.role || h->run->read_only)
        return 0;
    int r = probe(h, false, err);
    consent_take(&h->run->consent, CONSENT_SLOW_DISKS, host_label(h->host), &needed);
    if (r < 0 || needed.count == 0)
        return r;
    error_set(err, -EPERM, "%s", needed.items[0]);
    return error_remedy(err, "choose another disk, or the same command with --accept-slow-disks");
}
