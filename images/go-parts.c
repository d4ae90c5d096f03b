#include "images/go-parts.h"

#include "images/gomod.h"
#include "images/licence.h"
#include "images/purl.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <string.h>

#define VERSIONS_MAX (16 * 1024 * 1024)
#define GO_TIMEOUT_MS 120000

static void add_once(struct strv *modules, const char *line)
{
    if (line && !strv_contains(modules, line))
        strv_add(modules, line);
}

/* "\tmod\tPATH\tVERSION\tSUM", the same with "dep", and "\t=>\t…" after one that was replaced. The
 * program's own module has no version when it is one of ours. */
void go_parts_read(const char *text, struct strv *modules)
{
    STRV(lines);
    char *last = NULL;
    strv_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        STRV(words);
        strv_split(&words, lines.items[i], '\t');
        const char *kind = words.count > 2 ? words.items[0] : "";
        bool replaces = strcmp(kind, "=>") == 0;
        bool is_own = strcmp(kind, "mod") == 0;
        if ((!replaces && !is_own && strcmp(kind, "dep") != 0) ||
            (is_own && strcmp(words.items[2], "(devel)") == 0))
            continue;
        if (!replaces)
            add_once(modules, last);
        free(last);
        last = xasprintf("%s@%s %s", words.items[1], words.items[2],
                         words.count > 3 ? words.items[3] : "");
    }
    add_once(modules, last);
    free(last);
}

int go_parts_add(struct parts *p, const char *module, const char *dir, const char *sum,
                 struct error *err)
{
    STRV(ids);
    AUTO_FREE char *to = path_join("go", module);
    int r = parts_take_texts(p, dir, to, 0, &ids, err);
    if (r < 0)
        return r;
    AUTO_FREE char *path = xstrndup(module, strcspn(module, "@"));
    const char *version = strchr(module, '@') + 1;
    AUTO_FREE char *purl = purl_golang(path, version);
    AUTO_FREE char *licence = licence_expression(&ids);
    AUTO_FREE char *comment = xasprintf("go.sum: %s", sum);
    parts_add(p, &(struct part){.name = path,
                                .version = version,
                                .purl = purl,
                                .licence = licence,
                                .comment = comment});
    return 0;
}

/* The compiler's own module: what every program holds of it is the standard library. */
static int add_library(const char *go, const char *toolchain, struct parts *p, struct error *err)
{
    AUTO_FREE char *bin = path_dirname(go);
    AUTO_FREE char *dir = path_dirname(bin);
    AUTO_FREE char *to = xasprintf("go/std@%s", toolchain);
    static const char *const names[] = {"LICENSE", "PATENTS"};
    STRV(ids);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *path = path_join(dir, names[i]);
        STRBUF(text, LICENCE_TEXT_MAX);
        int r = file_read(path, &text, err);
        if (r < 0 || (r = parts_take_text(p, to, names[i], text.data, text.len, err)) < 0)
            return r;
        licence_guess(text.data, text.len, &ids);
    }
    const char *version = strncmp(toolchain, "go", 2) == 0 ? toolchain + 2 : toolchain;
    AUTO_FREE char *purl = purl_golang("stdlib", version);
    AUTO_FREE char *licence = licence_expression(&ids);
    parts_add(p,
              &(struct part){.name = "std", .version = version, .purl = purl, .licence = licence});
    return 0;
}

static int add_module(const struct source_context *ctx, const char *go, const char *line,
                      struct parts *p, struct error *err)
{
    const char *sum = strchr(line, ' ') + 1;
    AUTO_FREE char *module = xstrndup(line, (size_t) (sum - line - 1));
    AUTO_FREE char *dir = NULL;
    if (!*sum)
        return error_set(err, -EBADMSG, "%s was built without a sum", module);
    int r = gomod_fetch_with(ctx, go, module, sum, &dir, err);
    return r < 0 ? r : go_parts_add(p, module, dir, sum, err);
}

int go_parts_of_programs(const struct source_context *ctx, const char *dir, struct parts *p,
                         struct error *err)
{
    AUTO_FREE char *go = NULL;
    STRV(env);
    STRV(modules);
    STRBUF(text, VERSIONS_MAX);
    int r = gomod_toolchain(ctx, &go, err);
    if (r < 0)
        return r;
    gomod_env(ctx, go, &env);
    const char *const argv[] = {go, "version", "-m", dir, NULL};
    const struct process_options opts = {.env = (const char *const *) env.items,
                                         .out = &text,
                                         .timeout_ms = GO_TIMEOUT_MS,
                                         .cancel = ctx->cancel,
                                         .die_with_parent = true};
    if ((r = process_run(argv, &opts, NULL, err)) < 0)
        return r;
    go_parts_read(text.data, &modules);
    strv_sort(&modules);
    if (strbuf_full(&text) || modules.count == 0)
        return error_set(err, -EBADMSG, "%s does not say what its programs are made of", dir);
    source_progress(ctx, "licences of %zu modules", modules.count);
    r = add_library(go, ctx->recipe->toolchain, p, err);
    for (size_t i = 0; r == 0 && i < modules.count; i++)
        r = add_module(ctx, go, modules.items[i], p, err);
    return r;
}
