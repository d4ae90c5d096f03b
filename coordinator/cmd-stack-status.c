#include "coordinator/command.h"
#include "coordinator/stack-args.h"
#include "coordinator/stack-status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MIB (1024.0 * 1024)

enum { OUTPUT_PLAIN, OUTPUT_JSON };

struct status_arguments {
    struct stack_arguments stack;
};

static const struct option_spec options[] = {
    OPTIONS_STACK(struct status_arguments, stack),
    {"output", 0, OPTION_CHOICE, offsetof(struct status_arguments, stack.output), "plain|json",
     "a table for people, or a list in JSON"},
    OPTION_END,
};

static void arguments_release(struct status_arguments *o)
{
    stack_arguments_release(&o->stack);
}

static void print_memory(int64_t bytes)
{
    if (bytes < 0)
        (void) printf("  %10s", "?");
    else
        (void) printf("  %6.0f MiB", (double) bytes / MIB);
}

static void print_row(const json_t *row)
{
    const char *text = json_get_string(row, "text", "");
    STRBUF(safe, ERROR_TEXT_MAX * 4);
    strbuf_add_printable(&safe, text, strlen(text));
    (void) printf("%-18s %-12s %3lld of %-3lld", json_get_string(row, "component", ""),
                  json_get_string(row, "version", ""), (long long) json_get_int(row, "ready", 0),
                  (long long) json_get_int(row, "wanted", 0));
    print_memory(json_get_int(row, "memory_requested", -1));
    print_memory(json_get_int(row, "memory_used", -1));
    (void) printf("%s%s\n", safe.len ? "  " : "", safe.data);
}

static void print_table(const json_t *list)
{
    int64_t requested = 0, used = 0;
    size_t i;
    json_t *row;
    (void) printf("%-18s %-12s %-10s  %10s  %10s\n", "component", "version", "ready", "requested",
                  "in use");
    json_array_foreach(list, i, row) {
        print_row(row);
        requested += json_get_int(row, "memory_requested", 0);
        used += json_get_int(row, "memory_used", 0);
    }
    (void) printf("%-18s %-12s %-10s", "together", "", "");
    print_memory(requested);
    print_memory(used);
    (void) putchar('\n');
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct status_arguments o = {0};
    AUTO_STACK_OPENED s = STACK_OPENED_INIT;
    AUTO_JSON *list = NULL;
    struct error err = ERROR_INIT;
    bool all = false;
    STRV(none);
    if (command_parse(&cmd_stack_status, argc, argv, &o, &none, 0, 0) != 0)
        return EXIT_BAD_INPUT;
    int code = stack_open(&o.stack, &s);
    if (code != EXIT_DONE)
        return code;
    int r = stack_status(&s.work, &list, &all, &err);
    if (r < 0)
        return command_fail(r == -ECANCELED ? EXIT_INTERRUPTED : EXIT_HOST_FAILED, &err);
    if (o.stack.output == OUTPUT_JSON) {
        AUTO_FREE char *text = json_canonical(list);
        (void) puts(text);
    } else {
        print_table(list);
    }
    return all ? EXIT_DONE : EXIT_HOST_FAILED;
}

const struct command cmd_stack_status = {
    .name = "stack status",
    .synopsis = "",
    .summary = "show a profile's components: ready, and memory asked for and in use",
    .options = options,
    .help = "What is in use are the working sets that the nodes' kubelets tell. The exit code is 1 "
            "when\n"
            "something is not ready.\n\n"
            "example: bigtop-bootstrap stack status",
    .run = run,
};
