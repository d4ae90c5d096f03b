#include "agent/host-bundle.h"
#include "agent/images-archive.h"
#include "agent/images-labels.h"
#include "agent/images-store.h"
#include "agent/step.h"

#include <string.h>

/* What has to happen to the images that are asked for. */
struct todo {
    json_t *import_pinned, *import_plain, *pin; /* items of the parameter, borrowed by reference */
};

static void todo_release(struct todo *t)
{
    json_decref(t->import_pinned);
    json_decref(t->import_plain);
    json_decref(t->pin);
}

static void sort_image(struct todo *t, json_t *image, const json_t *known)
{
    const json_t *now = json_object_get(known, json_get_string(image, "ref", ""));
    bool pinned = json_get_bool(image, "pinned", false);
    const char *digest = json_get_string(now, "digest", "");
    if (strcmp(digest, json_get_string(image, "manifest", "")) != 0 ||
        !json_get_bool(now, "complete", false)) {
        json_array_append(pinned ? t->import_pinned : t->import_plain, image);
    } else if (pinned && !json_get_bool(now, "pinned", false)) {
        json_array_append(t->pin, image);
    }
}

static int find_todo(const struct step_context *ctx, const json_t *params, struct todo *t,
                     struct error *err)
{
    json_t *images, *image;
    int r = json_need_array(params, "images", &images, err);
    r = r < 0 ? r : images_check_params(images, err);
    AUTO_JSON *known = NULL;
    r = r < 0 ? r : images_list(ctx->cancel, &known, err);
    if (r < 0) {
        return r;
    }
    size_t i;
    json_array_foreach(images, i, image) {
        sort_image(t, image, known);
    }
    return 0;
}

#define TODO_INIT \
    { \
        json_array(), json_array(), json_array() \
    }

static void describe(const char *verb, const json_t *images, struct strv *differences)
{
    size_t i;
    json_t *image;
    json_array_foreach(images, i, image) {
        strv_addf(differences, "%s %s", verb, json_get_string(image, "ref", ""));
    }
}

/* Of images that are here: the others get their labels when they are imported. */
static int describe_labels(const struct step_context *ctx, const json_t *params,
                           struct strv *differences, struct error *err)
{
    AUTO_JSON *missing = NULL;
    int r = images_unlabelled(ctx->cancel, json_object_get(params, "images"), &missing, err);
    if (r == 0 && json_object_size(missing) > 0) {
        strv_addf(differences, "note where %zu blobs came from", json_object_size(missing));
    }
    return r;
}

static int check(const struct step_context *ctx, const json_t *params, struct strv *differences,
                 struct error *err)
{
    size_t before = differences->count;
    CLEANUP(todo_release) struct todo t = TODO_INIT;
    int r = find_todo(ctx, params, &t, err);
    if (r < 0) {
        return r;
    }
    describe("import", t.import_pinned, differences);
    describe("import", t.import_plain, differences);
    describe("pin", t.pin, differences);
    r = describe_labels(ctx, params, differences, err);
    if (r < 0) {
        return r;
    }
    return differences->count == before;
}

static int apply(const struct step_context *ctx, const json_t *params, json_t *result,
                 struct error *err)
{
    (void) result;
    CLEANUP(todo_release) struct todo t = TODO_INIT;
    STRV(digests);
    int r = find_todo(ctx, params, &t, err);
    images_archive_blobs(json_object_get(params, "images"), &digests);
    r = r < 0 ? r : host_bundle_need(&digests, err);
    if (r >= 0 && json_array_size(t.import_pinned) > 0) {
        r = images_import(ctx, t.import_pinned, true, err);
    }
    if (r >= 0 && json_array_size(t.import_plain) > 0) {
        r = images_import(ctx, t.import_plain, false, err);
    }
    size_t i;
    json_t *image;
    json_array_foreach(t.pin, i, image) {
        r = r < 0 ? r : images_pin(ctx, json_get_string(image, "ref", ""), err);
    }
    return r < 0 ? r : images_label(ctx, json_object_get(params, "images"), err);
}

const struct step step_import = {.name = "import", .check = check, .apply = apply};
