#include "coordinator/command.h"
#include "coordinator/project-usage.h"
#include "coordinator/stack-args.h"

#include <errno.h>
#include <stdio.h>

#define MIB (1024.0 * 1024)
#define CELL_MAX 64

enum { OUTPUT_PLAIN, OUTPUT_JSON };

struct usage_arguments {
    struct stack_arguments cluster;
};

static const struct option_spec options[] = {
    OPTIONS_CLUSTER(struct usage_arguments, cluster),
    {"output", 0, OPTION_CHOICE, offsetof(struct usage_arguments, cluster.output), "plain|json",
     "a table for people, or a list in JSON"},
    OPTION_END,
};

static void arguments_release(struct usage_arguments *o)
{
    stack_arguments_release(&o->cluster);
}

static void add_number(struct strbuf *out, const json_t *row, const char *key, double unit,
                       const char *none)
{
    const json_t *value = json_object_get(row, key);
    if (value)
        strbuf_addf(out, unit == 1 ? "%.0f" : "%.1f", json_number_value(value) / unit);
    else
        strbuf_adds(out, none);
}

/* "requested / used / quota" */
static void print_cell(const json_t *row, const char *what, double unit, bool has_used)
{
    STRBUF(cell, CELL_MAX);
    char key[CELL_MAX];
    (void) snprintf(key, sizeof(key), unit == 1 ? "%s" : "%s_requested", what);
    add_number(&cell, row, key, unit, "?");
    if (has_used) {
        (void) snprintf(key, sizeof(key), "%s_used", what);
        strbuf_adds(&cell, " / ");
        add_number(&cell, row, key, unit, "?");
    }
    (void) snprintf(key, sizeof(key), "%s_quota", what);
    strbuf_adds(&cell, " / ");
    add_number(&cell, row, key, unit, "-");
    (void) printf("  %24s", cell.data);
}

static void print_table(const json_t *list)
{
    size_t i;
    json_t *row;
    (void) printf("%-20s  %24s  %24s  %24s  %24s\n%-20s  %24s  %24s  %24s  %24s\n", "project",
                  "CPU", "memory, MiB", "storage, MiB", "pods", "", "requested / used / quota",
                  "requested / used / quota", "requested / quota", "now / quota");
    json_array_foreach(list, i, row) {
        (void) printf("%-20s", json_get_string(row, "project", ""));
        print_cell(row, "cpu", 1000, true);
        print_cell(row, "memory", MIB, true);
        print_cell(row, "storage", MIB, false);
        print_cell(row, "pods", 1, false);
        (void) putchar('\n');
    }
}

static int run_as(const struct command *self, int argc, char **argv)
{
    CLEANUP(arguments_release) struct usage_arguments o = {0};
    AUTO_STACK_OPENED s = STACK_OPENED_INIT;
    AUTO_JSON *list = NULL;
    struct error err = ERROR_INIT;
    STRV(none);
    if (command_parse(self, argc, argv, &o, &none, 0, 0) != 0)
        return EXIT_BAD_INPUT;
    int code = stack_open_cluster(&o.cluster, NULL, &s);
    if (code != EXIT_DONE)
        return code;
    int r = project_usage(&s.work.kubectl, &list, &err);
    if (r < 0)
        return command_fail(r == -ECANCELED ? EXIT_INTERRUPTED : EXIT_HOST_FAILED, &err);
    if (o.cluster.output == OUTPUT_JSON) {
        AUTO_FREE char *text = json_canonical(list);
        (void) puts(text);
    } else {
        print_table(list);
    }
    return EXIT_DONE;
}

static int run(int argc, char **argv)
{
    return run_as(&cmd_project_usage, argc, argv);
}

const struct command cmd_project_usage = {
    .name = "project usage",
    .synopsis = "",
    .summary = "show what each project requests and uses, against its quota",
    .options = options,
    .help = "What is requested counts against the quota. What is used are the numbers of the "
            "nodes' kubelets:\n"
            "CPU at the moment, and working sets.\n\n"
            "example: bigtop-bootstrap project usage --output json",
    .run = run,
};

static int run_stack(int argc, char **argv)
{
    return run_as(&cmd_stack_usage, argc, argv);
}

/* What it is looked for as by who thinks of the stack first. */
const struct command cmd_stack_usage = {
    .name = "stack usage",
    .synopsis = "",
    .summary = "the same as project usage",
    .options = options,
    .help = "Another name for `project usage`.\n\n"
            "example: bigtop-bootstrap stack usage --output json",
    .run = run_stack,
};
