#include "agent/images-labels.h"

#include "agent/images-store.h"
#include "agent/program.h"
#include "lib/digest.h"

#include <string.h>

#define SOURCE_PREFIX "containerd.io/distribution.source."
#define LABEL_MAX 4096 /* key and value: containerd's pkg/labels */
#define TIMEOUT_MS 30000

/* The list of a label of a blob, made when it is not there. */
static json_t *list_of(json_t *sources, const char *digest, const char *label)
{
    json_t *labels = json_object_get(sources, digest);
    if (!labels)
        json_object_set_new(sources, digest, labels = json_object());
    json_t *list = json_object_get(labels, label);
    if (!list)
        json_object_set_new(labels, label, list = json_array());
    return list;
}

static void add(json_t *sources, const char *digest, const char *label, const char *repository)
{
    json_t *list = list_of(sources, digest, label);
    if (!json_has_text(list, repository))
        json_array_append_new(list, json_string(repository));
}

static void add_image(json_t *sources, const json_t *image)
{
    const char *ref = json_get_string(image, "ref", "");
    size_t host = strcspn(ref, "/:"), registry = strcspn(ref, "/");
    const char *path = ref + registry + (ref[registry] == '/');
    AUTO_FREE char *label = xasprintf(SOURCE_PREFIX "%.*s", (int) host, ref);
    AUTO_FREE char *repository = xstrndup(path, strcspn(path, ":@"));
    add(sources, json_get_string(image, "manifest", ""), label, repository);
    size_t i;
    const json_t *blob;
    json_array_foreach(json_object_get(image, "blobs"), i, blob)
        add(sources, json_string_value(blob), label, repository);
}

json_t *images_sources(const json_t *images)
{
    json_t *sources = json_object();
    size_t i;
    const json_t *image;
    json_array_foreach(images, i, image)
        add_image(sources, image);
    return sources;
}

/* "KEY=A,B,KEY=C": a value may hold the comma that joins the labels. */
static void parse_labels(json_t *sources, const char *digest, const char *text)
{
    STRV(items);
    AUTO_FREE char *label = NULL;
    strv_split(&items, text, ',');
    for (size_t i = 0; i < items.count; i++) {
        const char *value = items.items[i];
        size_t len = strcspn(value, "=");
        if (value[len] == '=') {
            free(label);
            label = xstrndup(value, len);
            value += len + 1;
        }
        if (label && strncmp(label, SOURCE_PREFIX, strlen(SOURCE_PREFIX)) == 0)
            add(sources, digest, label, value);
    }
}

/* "DIGEST SIZE AGE LABELS" by tabs; the age has blanks in it. */
json_t *images_parse_content(const char *text)
{
    json_t *sources = json_object();
    STRV(lines);
    strv_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        STRV(fields);
        strv_split(&fields, lines.items[i], '\t');
        if (fields.count < 4 || !digest_is_valid(fields.items[0]))
            continue;
        json_object_set_new(sources, fields.items[0], json_object());
        parse_labels(sources, fields.items[0], fields.items[fields.count - 1]);
    }
    return sources;
}

/* NULL: nothing is missing. */
static char *missing_value(const char *label, const json_t *wanted, const json_t *found)
{
    STRV(all);
    size_t i;
    const json_t *item;
    json_array_foreach(found, i, item)
        strv_add(&all, json_string_value(item));
    size_t before = all.count;
    json_array_foreach(wanted, i, item)
        if (!strv_contains(&all, json_string_value(item)))
            strv_add(&all, json_string_value(item));
    if (all.count == before)
        return NULL;
    strv_sort(&all);
    char *value = strv_join(&all, ",");
    if (strlen(label) + strlen(value) > LABEL_MAX)
        free(TAKE_PTR(value));
    return value;
}

json_t *images_missing_sources(const json_t *wanted, const json_t *found)
{
    json_t *missing = json_object(), *labels, *list;
    const char *digest, *label;
    json_object_foreach((json_t *) wanted, digest, labels) {
        const json_t *have = json_object_get(found, digest);
        json_t *set = json_object();
        json_object_foreach(labels, label, list) {
            char *value = have ? missing_value(label, list, json_object_get(have, label)) : NULL;
            if (value)
                json_object_set_new(set, label, json_string(value));
            free(value);
        }
        if (json_object_size(set) > 0)
            json_object_set(missing, digest, set);
        json_decref(set);
    }
    return missing;
}

static void content_argv(struct strv *argv, const char *verb)
{
    const char *const start[] = {PROGRAM_CTR, "--namespace", IMAGES_NAMESPACE,
                                 "content",   verb,          NULL};
    strv_add_all(argv, start);
}

int images_unlabelled(const bool *cancel, const json_t *images, json_t **out, struct error *err)
{
    STRV(argv);
    STRBUF(text, PROGRAM_OUTPUT_MAX);
    content_argv(&argv, "ls");
    struct process_options options = program_options(cancel, TIMEOUT_MS);
    options.out = &text;
    int r = process_runv(&argv, &options, NULL, err);
    if (r < 0)
        return r;
    AUTO_JSON *wanted = images_sources(images);
    AUTO_JSON *found = images_parse_content(text.data);
    *out = images_missing_sources(wanted, found);
    return 0;
}

static int set_labels(const struct step_context *ctx, const char *digest, json_t *labels,
                      struct error *err)
{
    STRV(argv);
    content_argv(&argv, "label");
    strv_add(&argv, digest);
    const char *label;
    json_t *value;
    json_object_foreach(labels, label, value)
        strv_addf(&argv, "%s=%s", label, json_string_value(value));
    struct process_options options = program_options(ctx->cancel, TIMEOUT_MS);
    return process_runv(&argv, &options, NULL, err);
}

int images_label(const struct step_context *ctx, const json_t *images, struct error *err)
{
    AUTO_JSON *missing = NULL;
    int r = images_unlabelled(ctx->cancel, images, &missing, err);
    const char *digest;
    json_t *labels;
    json_object_foreach(missing, digest, labels)
        r = r < 0 ? r : set_labels(ctx, digest, labels, err);
    return r;
}
