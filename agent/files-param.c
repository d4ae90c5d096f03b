#include "agent/files-param.h"

#include "lib/fd.h"
#include "lib/grammar.h"

#include <errno.h>
#include <string.h>

struct file_param {
    const char *path; /* borrowed from the parameters */
    const char *content;
    size_t len;
    mode_t mode;
};

static int parse_mode(const char *text, mode_t *out)
{
    mode_t mode = 0;
    size_t len = strlen(text);
    if (len < 3 || len > 4) {
        return -EINVAL;
    }
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '7') {
            return -EINVAL;
        }
        mode = mode * 8 + (mode_t) (*p - '0');
    }
    if (mode > 0777) {
        return -EINVAL;
    }
    *out = mode;
    return 0;
}

static int parse_file(const json_t *item, struct file_param *out, struct error *err)
{
    int r = json_need_string(item, "path", &out->path, err);
    if (r < 0) {
        return r;
    }
    if (!grammar_absolute_path(out->path)) {
        return error_set(err, -EINVAL, "file path must be absolute and clean");
    }
    r = json_need_string(item, "content", &out->content, err);
    if (r < 0) {
        return error_prefix(err, "%s", out->path);
    }
    out->len = json_string_length(json_object_get(item, "content"));
    const char *mode = json_get_string(item, "mode", "0644");
    if (parse_mode(mode, &out->mode) < 0) {
        return error_set(err, -EINVAL, "%s: mode must be octal digits up to 0777", out->path);
    }
    return 0;
}

static int file_array(const json_t *params, json_t **out, struct error *err)
{
    *out = NULL;
    if (!json_object_get(params, "files")) {
        return 0;
    }
    return json_need_array(params, "files", out, err);
}

int files_param_check(const json_t *params, struct strv *differences, struct error *err)
{
    json_t *files;
    int r = file_array(params, &files, err);
    if (r < 0) {
        return r;
    }
    int same = 1;
    size_t i;
    json_t *item;
    json_array_foreach(files, i, item) {
        struct file_param file;
        r = parse_file(item, &file, err);
        if (r < 0) {
            return r;
        }
        if (file_is(file.path, file.content, file.len, file.mode) != 1) {
            strv_addf(differences, "write %s", file.path);
            same = 0;
        }
    }
    return same;
}

int files_param_apply(const struct step_context *ctx, const json_t *params, struct error *err)
{
    json_t *files;
    int r = file_array(params, &files, err);
    if (r < 0) {
        return r;
    }
    int changed = 0;
    size_t i;
    json_t *item;
    json_array_foreach(files, i, item) {
        struct file_param file;
        r = parse_file(item, &file, err);
        if (r < 0) {
            return r;
        }
        r = ledger_write_file(ctx->ledger, file.path, file.content, file.len, file.mode, err);
        if (r < 0) {
            return r;
        }
        changed |= r;
    }
    return changed;
}

void files_param_digest(const json_t *params, char out[DIGEST_SIZE])
{
    const json_t *files = json_object_get(params, "files");
    AUTO_FREE char *text = files ? json_canonical(files) : xstrdup("[]");
    digest_buffer(text, strlen(text), out);
}
