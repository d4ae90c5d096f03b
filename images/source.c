#include "images/source.h"

#include <stdarg.h>
#include <string.h>

#define PROGRESS_MAX 200

static const struct source_type *const types[] = {
    &source_go,    &source_go_files, &source_c,   &source_deb, &source_file,
    &source_maven, &source_pypi,     &source_oci, &source_url,
};

const struct source_type *source_type_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (strcmp(types[i]->name, name) == 0)
            return types[i];
    return NULL;
}

void source_type_names(struct strv *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        strv_add(out, types[i]->name);
}

void source_progress(const struct source_context *ctx, const char *format, ...)
{
    if (!ctx->progress)
        return;
    STRBUF(text, PROGRESS_MAX);
    va_list args;
    va_start(args, format);
    strbuf_vaddf(&text, format, args);
    va_end(args);
    ctx->progress(ctx->userdata, text.data);
}
