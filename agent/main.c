#include "agent/attach.h"
#include "agent/paths.h"
#include "agent/serve.h"
#include "lib/digest.h"
#include "lib/grammar.h"
#include "lib/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    const char *self, *root;
    char version[DIGEST_SIZE];
};

struct command {
    const char *name, *help;
    int (*run)(const struct options *options, struct error *err);
};

static int run_serve(const struct options *options, struct error *err)
{
    return serve(options->version, err);
}

static int run_attach(const struct options *options, struct error *err)
{
    return attach(options->self, options->version, err);
}

static int run_version(const struct options *options, struct error *err)
{
    (void) err;
    printf("bigtop-agent %s\n", options->version);
    return 0;
}

static const struct command commands[] = {
    {"serve", "the service, started by systemd", run_serve},
    {"attach", "join stdio to the service, installing it first where it is missing", run_attach},
    {"version", "print the digest that names this agent", run_version},
};

static int usage(FILE *out, int code)
{
    fprintf(out, "usage: bigtop-agent COMMAND [--self DIR] [--root DIR]\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
    fprintf(out, "\n  --self DIR  the folder this agent was unpacked into, named by its digest\n"
                 "  --root DIR  keep state and socket below DIR (tests)\n");
    return code;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    for (int i = 0; i < argc; i += 2) {
        const char **value = strcmp(argv[i], "--self") == 0   ? &options->self
                             : strcmp(argv[i], "--root") == 0 ? &options->root
                                                              : NULL;
        if (!value || i + 1 >= argc || !grammar_absolute_path(argv[i + 1]))
            return false;
        *value = argv[i + 1];
    }
    return true;
}

/* The folder's name says it; without one, the program's own digest. */
static int find_version(struct options *options, struct error *err)
{
    if (!options->self)
        return digest_file("/proc/self/exe", options->version, NULL, err);
    snprintf(options->version, sizeof options->version, "sha256:%.*s", SHA256_HEX_LEN,
             path_basename(options->self));
    if (digest_is_valid(options->version))
        return 0;
    return error_set(err, -EINVAL, "--self %s: not a folder that is named by a digest",
                     options->self);
}

static int fail(const struct error *err)
{
    fprintf(stderr, "bigtop-agent: %s\n", err->text);
    if (err->remedy[0])
        fprintf(stderr, "  remedy: %s\n", err->remedy);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct error err = ERROR_INIT;
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0))
        return usage(stdout, EXIT_SUCCESS);
    const struct command *command = argc >= 2 ? find_command(argv[1]) : NULL;
    if (!command || !parse_options(argc - 2, argv + 2, &options))
        return usage(stderr, 2);
    if (options.root)
        agent_root_set(options.root);
    int r = find_version(&options, &err);
    if (r >= 0)
        r = command->run(&options, &err);
    return r < 0 ? fail(&err) : EXIT_SUCCESS;
}
