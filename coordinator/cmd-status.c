#include "coordinator/command.h"
#include "coordinator/job.h"
#include "coordinator/options.h"
#include "coordinator/preflight-data.h"
#include "coordinator/program.h"
#include "coordinator/status-words.h"
#include "lib/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct status_options {
    bool json;
};

static const struct option_spec options[] = {
    {"json", 0, OPTION_FLAG, offsetof(struct status_options, json), NULL,
     "one JSON object instead of a table"},
    OPTION_END,
};

static const json_t *node_of(const struct run *run, const char *name)
{
    size_t i;
    json_t *node;
    json_array_foreach(json_object_get(run->cluster, "nodes"), i, node) {
        if (strcmp(json_get_string(node, "name", ""), name) == 0)
            return node;
    }
    return NULL;
}

static json_t *host_status(const struct host_run *h)
{
    const struct facts *f = &h->facts;
    const json_t *disk = json_object_get(json_object_get(f->json, "disks"), "/var/lib");
    json_t *s = json_pack("{s:s,s:b}", "host", host_label(h->host), "answers", h->error.code == 0);
    if (!f->json)
        return s;
    const json_t *node = node_of(h->run, f->node_name);
    json_object_set_new(s, "node", json_string(f->node_name));
    json_object_set_new(s, "role", f->role ? json_string(f->role) : json_null());
    json_object_set_new(s, "ready", json_boolean(json_get_bool(node, "ready", false)));
    json_object_set_new(s, "kubelet", json_string(json_get_string(node, "version", "-")));
    json_object_set_new(s, "os", json_string(facts_string(f, "os", "pretty", "?")));
    json_object_set_new(s, "memory_available_mib",
                        json_integer(facts_int(f, NULL, "memory_available_kib", 0) / 1024));
    json_object_set_new(s, "disk_free_mib", json_integer(json_get_int(disk, "free_kib", 0) / 1024));
    json_object_set(s, "data", json_object_get(f->json, "probes"));
    json_object_set_new(s, "clock_offset_ms", json_integer(f->clock_offset_ms));
    json_t *data_disks = json_object_get(f->json, "data_disks");
    json_object_set(s, "data_disks", json_is_array(data_disks) ? data_disks : json_null());
    json_object_set(s, "bundle", json_object_get(f->json, "bundle"));
    return s;
}

/* The member as text, "-" when the host did not tell. */
static void number_text(const json_t *s, const char *key, char out[24])
{
    if (json_object_get(s, key))
        snprintf(out, 24, "%" PRId64, json_get_int(s, key, 0));
    else
        snprintf(out, 24, "-");
}

static void print_safe(const char *line)
{
    STRBUF(safe, 8192);
    strbuf_add_printable(&safe, line, strlen(line));
    (void) puts(safe.data);
}

static void print_data_disks(const json_t *s)
{
    size_t i;
    json_t *disk;
    json_array_foreach(json_object_get(s, "data_disks"), i, disk) {
        AUTO_FREE char *line =
            xasprintf("             disk %s at %s: %s", json_get_string(disk, "identity", "?"),
                      json_get_string(disk, "mount", "?"), json_get_string(disk, "state", "?"));
        print_safe(line);
    }
}

static void print_row(const json_t *s)
{
    char line[256], memory[24], disk[24];
    number_text(s, "memory_available_mib", memory);
    number_text(s, "disk_free_mib", disk);
    const char *role = json_get_string(s, "role", "none");
    const char *state = !json_get_bool(s, "answers", false) ? "no answer"
                        : strcmp(role, "none") == 0         ? "no node"
                        : json_get_bool(s, "ready", false)  ? "Ready"
                                                            : "NotReady";
    snprintf(line, sizeof(line), "%-12s %-14s %-10s %-10s %8s %8s  %s",
             json_get_string(s, "host", "?"), role, state, json_get_string(s, "kubelet", "-"),
             memory, disk, json_get_string(s, "os", "-"));
    print_safe(line);
    print_data_disks(s);
}

/* "n1: etcd disk: fsync p99 2.1 ms, …": as measured when the host was new. */
static void print_data(const json_t *s)
{
    size_t i;
    json_t *probe;
    json_array_foreach(json_object_get(s, "data"), i, probe) {
        STRBUF(line, 1024);
        strbuf_addf(&line, "%s: ", json_get_string(s, "host", "?"));
        data_words(probe, &line);
        print_safe(line.data);
    }
}

static void print_below(const struct run *run, const json_t *hosts)
{
    STRV(lines);
    status_words_etcd(json_object_get(run->etcd, "members"), &lines);
    status_words_bundles(hosts, &lines);
    status_words_strangers(json_object_get(run->cluster, "nodes"), hosts, &lines);
    for (size_t i = 0; i < lines.count; i++)
        print_safe(lines.items[i]);
}

static void print_all(const struct run *run, bool as_json)
{
    AUTO_JSON *list = json_array();
    for (size_t i = 0; i < run->inv->host_count; i++)
        json_array_append_new(list, host_status(&run->hosts[i]));
    if (as_json) {
        AUTO_JSON *all = json_pack("{s:s,s:O,s:O?,s:O?}", "cluster", run->inv->cluster_name,
                                   "hosts", list, "kubernetes", run->cluster, "etcd", run->etcd);
        AUTO_FREE char *text = json_pretty(all);
        (void) fputs(text, stdout);
        return;
    }
    (void) printf("%-12s %-14s %-10s %-10s %8s %8s  %s\n", "HOST", "ROLE", "STATE", "KUBELET",
                  "MEM MiB", "DISK MiB", "OS");
    for (size_t i = 0; i < json_array_size(list); i++)
        print_row(json_array_get(list, i));
    for (size_t i = 0; i < json_array_size(list); i++)
        print_data(json_array_get(list, i));
    print_below(run, list);
}

static int run_status(int argc, char **argv)
{
    struct status_options o = {0};
    STRV(files);
    if (command_parse(&cmd_status, argc, argv, &o, &files, 1, 1) != 0)
        return EXIT_BAD_INPUT;
    AUTO_JOB j = JOB_INIT;
    int code = job_open(&j, files.items[0], NULL, VIEW_QUIET);
    if (code != EXIT_DONE)
        return code;
    j.run.read_only = true;
    j.run.headless = true; /* it is only looked */
    code = run_program(&j.run, program_status);
    print_all(&j.run, o.json);
    return code;
}

const struct command cmd_status = {
    .name = "status",
    .synopsis = "HOSTS.YAML",
    .summary = "show each host: role, readiness, memory, disk, system",
    .options = options,
    .help =
        "MEM and DISK are what is free. Below them, how fast the disks for data were when the\n"
        "host was new, and what is free there now; etcd's members; the bundle that the hosts\n"
        "accepted and whose keys sign the next; nodes that hosts.yaml does not have. Exit code 1\n"
        "when a host does not answer.\n\n"
        "example: bigtop-bootstrap status hosts.yaml",
    .run = run_status,
};
