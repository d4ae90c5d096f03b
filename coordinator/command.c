#include "coordinator/command.h"

#include "coordinator/suggest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 4096

bool interrupted;

/* Error texts may carry what a host or a file said: each line is made safe, and kept a line. */
static void print_lines(const char *text)
{
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        STRBUF(safe, MESSAGE_MAX);
        strbuf_add_printable(&safe, line, len);
        (void) fprintf(stderr, "%s%s\n", line == text ? "" : "  ", safe.data);
        line += len + (line[len] == '\n');
    }
}

int command_fail(enum exit_code code, const struct error *err)
{
    (void) fflush(stdout);
    (void) fputs("bigtop-bootstrap: ", stderr);
    print_lines(err->text[0] ? err->text : "failed without a reason");
    if (err->remedy[0]) {
        (void) fputs("  remedy: ", stderr);
        print_lines(err->remedy);
    }
    return (int) code;
}

void command_warn(const char *format, ...)
{
    STRBUF(text, MESSAGE_MAX);
    va_list args;
    va_start(args, format);
    strbuf_vaddf(&text, format, args);
    va_end(args);
    (void) fflush(stdout);
    (void) fputs("bigtop-bootstrap: warning: ", stderr);
    print_lines(text.data);
}

int command_usage(const struct command *cmd, const char *format, ...)
{
    STRBUF(text, MESSAGE_MAX);
    va_list args;
    va_start(args, format);
    strbuf_vaddf(&text, format, args);
    va_end(args);
    (void) fflush(stdout);
    (void) fprintf(stderr, "bigtop-bootstrap %s: %s\n", cmd->name, text.data);
    (void) fprintf(stderr, "  see: bigtop-bootstrap %s --help\n", cmd->name);
    return EXIT_BAD_INPUT;
}

int command_parse(const struct command *cmd, int argc, char **argv, void *values,
                  struct strv *positionals, size_t min, size_t max)
{
    struct error err = ERROR_INIT;
    if (options_parse(cmd->options, argc, argv, values, positionals, &err) < 0)
        return command_usage(cmd, "%s", err.text);
    if (positionals->count < min)
        return command_usage(cmd, "an argument is missing: %s", cmd->synopsis);
    if (positionals->count > max) {
        const char *extra = positionals->items[max];
        STRBUF(shown, MESSAGE_MAX);
        strbuf_add_printable(&shown, extra, strlen(extra));
        return command_usage(cmd, "one argument too many: %s", shown.data);
    }
    return 0;
}

/* How many of the words name the command: 0, 1, or 2 for "bundle build". */
static int words_matched(const struct command *cmd, int argc, char **argv)
{
    size_t first = strcspn(cmd->name, " ");
    if (argc < 1 || strlen(argv[0]) != first || memcmp(argv[0], cmd->name, first) != 0)
        return 0;
    if (cmd->name[first] == '\0')
        return 1;
    return argc > 1 && strcmp(argv[1], cmd->name + first + 1) == 0 ? 2 : 0;
}

const struct command *command_find(const struct command *const list[], int argc, char **argv,
                                   int *words)
{
    for (size_t i = 0; list[i]; i++) {
        int matched = words_matched(list[i], argc, argv);
        if (matched > 0) {
            *words = matched;
            return list[i];
        }
    }
    return NULL;
}

/* "bundle" alone, or with a wrong second word: what there is below it. */
static bool list_second_words(const struct command *const list[], const char *word)
{
    size_t len = strlen(word);
    bool found = false;
    for (size_t i = 0; list[i]; i++) {
        if (strncmp(list[i]->name, word, len) != 0 || list[i]->name[len] != ' ')
            continue;
        (void) fprintf(stderr, "%s%s", found ? ", " : "  there is: ", list[i]->name);
        found = true;
    }
    if (found)
        (void) fputc('\n', stderr);
    return found;
}

static void suggest_command(const struct command *const list[], const char *wanted, char *out,
                            size_t size)
{
    struct suggestion near;
    suggest_start(&near, wanted);
    for (size_t i = 0; list[i]; i++)
        suggest_offer(&near, list[i]->name);
    suggest_phrase(&near, out, size);
}

int command_unknown(const struct command *const list[], int argc, char **argv)
{
    STRBUF(one, 128);
    strbuf_add_printable(&one, argv[0], strlen(argv[0]));
    STRBUF(two, 128);
    strbuf_addf(&two, "%s ", one.data);
    strbuf_add_printable(&two, argc > 1 ? argv[1] : "", argc > 1 ? strlen(argv[1]) : 0);
    char phrase[128];
    suggest_command(list, one.data, phrase, sizeof(phrase));
    if (!phrase[0])
        suggest_command(list, two.data, phrase, sizeof(phrase));
    (void) fprintf(stderr, "bigtop-bootstrap: unknown command '%s'%s\n", one.data, phrase);
    if (!list_second_words(list, argv[0]))
        (void) fputs("  see: bigtop-bootstrap --help\n", stderr);
    return EXIT_BAD_INPUT;
}
