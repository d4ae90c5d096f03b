#include "images/artifact.h"

#include "images/image.h"
#include "lib/json.h"

#define EMPTY_CONFIG "{}"

void artifact_manifest(const struct artifact *a, struct strbuf *out)
{
    char empty[DIGEST_SIZE];
    digest_buffer(EMPTY_CONFIG, sizeof(EMPTY_CONFIG) - 1, empty);
    json_t *layer = image_descriptor(a->media, a->digest, a->size);
    json_object_set_new(layer, "annotations",
                        json_pack("{s:s}", "org.opencontainers.image.title", a->title));
    AUTO_JSON *json = json_pack("{s:i, s:s, s:s, s:o, s:[o]}", "schemaVersion", 2, "mediaType",
                                MEDIA_MANIFEST, "artifactType", a->type, "config",
                                image_descriptor(MEDIA_EMPTY, empty, sizeof(EMPTY_CONFIG) - 1),
                                "layers", layer);
    AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);
    strbuf_adds(out, text);
}

int artifact_put(struct layout *l, const struct artifact *a, const char *ref, struct error *err)
{
    char empty[DIGEST_SIZE], digest[DIGEST_SIZE];
    STRBUF(manifest, IMAGE_JSON_MAX);
    int r;
    artifact_manifest(a, &manifest);
    if ((r = layout_put_data(l, EMPTY_CONFIG, sizeof(EMPTY_CONFIG) - 1, empty, err)) < 0 ||
        (r = layout_put_data(l, manifest.data, manifest.len, digest, err)) < 0)
        return r;
    layout_add_manifest(l, &(struct layout_manifest){.media_type = MEDIA_MANIFEST,
                                                     .digest = digest,
                                                     .ref = ref,
                                                     .size = (int64_t) manifest.len,
                                                     .artifact_type = a->type});
    return 0;
}
