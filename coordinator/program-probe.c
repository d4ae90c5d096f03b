/* How fast the disks of new hosts are, before anything is changed. All hosts measure at the same
 * time, while those that are slow to connect still do. */
#include "coordinator/consent.h"
#include "coordinator/preflight-data.h"
#include "coordinator/program.h"

#define PROBE_SECONDS 3
#define PROBE_TIMEOUT_MS 30000

static json_t *paths_of(const struct host *host)
{
    STRV(paths);
    json_t *list = json_array();
    data_paths(host, &paths);
    for (size_t i = 0; i < paths.count; i++)
        json_array_append_new(list, json_string(paths.items[i]));
    return list;
}

static void judge(struct host_run *h, const json_t *probe)
{
    struct run *run = h->run;
    struct findings findings = FINDINGS_INIT;
    STRV(consent);
    STRBUF(words, 1024);
    data_words(probe, &words);
    data_check(probe, &findings, &consent);
    if (run->read_only)
        view_note(run->view, h->host, "%s", words.data);
    for (size_t i = 0; i < findings.count; i++)
        view_warn(run->view, h->host, "%s; %s", findings.items[i].text, findings.items[i].remedy);
    for (size_t i = 0; i < consent.count; i++)
        consent_need(&run->consent, CONSENT_SLOW_DISKS, "%s: %s", host_label(h->host),
                     consent.items[i]);
    findings_release(&findings);
}

int phase_probe(struct host_run *h, struct error *err)
{
    AUTO_JSON *result = NULL;
    if (h->facts.role)
        return 0; /* a node has its data where it has it */
    json_t *params = json_pack("{s:o,s:i}", "paths", paths_of(h->host), "seconds", PROBE_SECONDS);
    int r = run_call(h, "probe", params, PROBE_TIMEOUT_MS, &result, err);
    size_t i;
    json_t *probe;
    json_array_foreach(json_object_get(result, "probes"), i, probe)
        judge(h, probe);
    return r;
}
