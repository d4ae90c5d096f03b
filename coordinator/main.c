#include "coordinator/command.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct command *const commands[] = {
    &cmd_apply,
    &cmd_plan,
    &cmd_stage,
    &cmd_status,
    &cmd_reset,
    &cmd_kubeconfig,
    &cmd_init,
    &cmd_schema,
    &cmd_bundle_build,
    &cmd_bundle_inspect,
    &cmd_bundle_diff,
    &cmd_bundle_merge,
    &cmd_bundle_pack,
    &cmd_bundle_extract,
    &cmd_bundle_keygen,
    &cmd_bundle_sign,
    &cmd_bundle_verify,
    &cmd_stack_apply,
    &cmd_stack_test,
    &cmd_stack_status,
    &cmd_stack_remove,
    &cmd_stack_usage,
    &cmd_project_apply,
    &cmd_project_usage,
    &cmd_project_kubeconfig,
    &cmd_project_remove,
    &cmd_iso_build,
    &cmd_iso_host,
    &cmd_iso_coordinator,
    &cmd_iso_install,
    &cmd_iso_good_start,
    &cmd_iso_update,
    NULL,
};

static void on_signal(int signal_number)
{
    (void) signal_number;
    if (__atomic_exchange_n(&interrupted, true, __ATOMIC_RELAXED)) {
        view_restore_terminal();
        _exit(EXIT_INTERRUPTED);
    }
}

static void catch_signals(void)
{
    /* Without SA_RESTART: a prompt or a sleep ends at the first Ctrl-C. */
    struct sigaction stop = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void) sigaction(SIGINT, &stop, NULL);
    (void) sigaction(SIGTERM, &stop, NULL);
    (void) sigaction(SIGPIPE, &ignore, NULL);
}

static void print_usage(FILE *to)
{
    (void) fputs(
        "Turns raw Linux hosts into a working Kubernetes cluster, over SSH and offline.\n\n"
        "usage: bigtop-bootstrap HOSTS.YAML             the same as: apply HOSTS.YAML\n"
        "       bigtop-bootstrap COMMAND [ARGUMENT...]\n\ncommands:\n",
        to);
    for (size_t i = 0; commands[i]; i++)
        (void) fprintf(to, "  %-15s %s\n", commands[i]->name, commands[i]->summary);
    (void) fputs("\nbigtop-bootstrap help COMMAND tells more; --version prints the version.\n", to);
}

static int print_help(const struct command *cmd)
{
    STRBUF(options, 16384);
    options_help(cmd->options, &options);
    (void) printf("usage: bigtop-bootstrap %s%s%s%s\n\n%s\n", cmd->name,
                  cmd->options ? " [OPTION...]" : "", cmd->synopsis[0] ? " " : "", cmd->synopsis,
                  cmd->summary);
    if (options.len > 0)
        (void) printf("\noptions:\n%s", options.data);
    if (cmd->help)
        (void) printf("\n%s\n", cmd->help);
    return EXIT_DONE;
}

static bool is_file_argument(const char *word)
{
    const char *dot = strrchr(word, '.');
    if (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0))
        return true;
    struct stat st;
    return stat(word, &st) == 0 && !S_ISDIR(st.st_mode);
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int dispatch(int argc, char **argv)
{
    bool help = strcmp(argv[0], "help") == 0;
    if ((help && argc == 1) || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
        print_usage(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[0], "--version") == 0) {
        (void) puts("bigtop-bootstrap " BIGTOP_VERSION);
        return EXIT_DONE;
    }
    int words = 0;
    const struct command *cmd = command_find(commands, argc - help, argv + help, &words);
    if (!cmd && !help && is_file_argument(argv[0]))
        cmd = &cmd_apply;
    if (!cmd)
        return command_unknown(commands, argc - help, argv + help);
    if (help || wants_help(argc - words, argv + words))
        return print_help(cmd);
    return cmd->run(argc - words, argv + words);
}

int main(int argc, char **argv)
{
    catch_signals();
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_BAD_INPUT;
    }
    int code = dispatch(argc - 1, argv + 1);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_DONE) {
        (void) fputs("bigtop-bootstrap: cannot write the output\n", stderr);
        return EXIT_HOST_FAILED;
    }
    return code;
}
