/* Imports the images of a bundle, whose blobs lie in the blob store, as the agent's step import
 * does it, and asks afterwards whether all is there. bench-import runs it in a namespace. */
#include "agent/images-labels.h"
#include "agent/images-store.h"
#include "images/bundle.h"
#include "lib/clock.h"

#include <errno.h>
#include <stdio.h>

static json_t *images_of(const struct bundle *b)
{
    json_t *images = json_array();
    for (size_t i = 0; i < b->component_count; i++) {
        const struct component *c = &b->components[i];
        if (c->kind == COMPONENT_IMAGE)
            json_array_append_new(images, json_pack("{s:s, s:s, s:O}", "ref", c->ref, "manifest",
                                                    c->manifest, "blobs", c->blobs));
    }
    return images;
}

static int check(const json_t *images, struct error *err)
{
    AUTO_JSON *known = NULL;
    AUTO_JSON *missing = NULL;
    int r;
    if ((r = images_list(NULL, &known, err)) < 0 ||
        (r = images_unlabelled(NULL, images, &missing, err)) < 0)
        return r;
    size_t i;
    const json_t *image;
    json_array_foreach(images, i, image) {
        const json_t *now = json_object_get(known, json_get_string(image, "ref", ""));
        if (!json_get_bool(now, "complete", false) || !json_get_bool(now, "pinned", false))
            return error_set(err, -EIO, "%s is not there", json_get_string(image, "ref", ""));
    }
    return json_object_size(missing) == 0 ? 0 : error_set(err, -EIO, "labels are missing");
}

int main(int argc, char **argv)
{
    CLEANUP(bundle_release) struct bundle b = BUNDLE_INIT;
    struct error err = ERROR_INIT;
    const struct step_context ctx = {0};
    if (argc != 2 || bundle_open(argv[1], NULL, &b, &err) < 0)
        return fprintf(stderr, "%s\n", err.text), 1;
    AUTO_JSON *images = images_of(&b);
    int64_t began = clock_monotonic_ms();
    if (images_import(&ctx, images, true, &err) < 0 || images_label(&ctx, images, &err) < 0)
        return fprintf(stderr, "%s\n", err.text), 1;
    int64_t took = clock_monotonic_ms() - began;
    if (check(images, &err) < 0)
        return fprintf(stderr, "%s\n", err.text), 1;
    printf("%lld\n", (long long) took);
    return 0;
}
