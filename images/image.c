#include "images/image.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void dump(json_t *json, struct strbuf *out)
{
    AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);
    strbuf_adds(out, text);
    json_decref(json);
}

static void set_if(json_t *obj, const char *key, const struct strv *v)
{
    if (v->count)
        json_object_set_new(obj, key, json_texts(v));
}

static json_t *run_config(const struct recipe_component *c)
{
    json_t *config = json_object();
    if (c->user)
        json_object_set_new(config, "User", json_string(c->user));
    STRV(env);
    strv_add(&env, DEFAULT_PATH);
    strv_add_all(&env, (const char *const *) c->env.items);
    json_object_set_new(config, "Env", json_texts(&env));
    set_if(config, "Entrypoint", &c->entrypoint);
    set_if(config, "Cmd", &c->cmd);
    json_object_set_new(config, "WorkingDir", json_string(c->workdir ? c->workdir : "/"));
    return config;
}

void image_config(const struct recipe *r, const struct recipe_component *c,
                  const struct image_layer *layers, size_t count, struct strbuf *out)
{
    json_t *diff_ids = json_array();
    json_t *history = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(diff_ids, json_string(layers[i].diff_id));
        json_array_append_new(history, json_pack("{s:s, s:s}", "created", r->created, "created_by",
                                                 "bigtop-bootstrap bundle build"));
    }
    dump(json_pack("{s:s, s:s, s:s, s:o, s:{s:s, s:o}, s:o}", "created", r->created, "architecture",
                   r->architecture, "os", "linux", "config", run_config(c), "rootfs", "type",
                   "layers", "diff_ids", diff_ids, "history", history),
         out);
}

json_t *image_descriptor(const char *media, const char *digest, int64_t size)
{
    return json_pack("{s:s, s:s, s:I}", "mediaType", media, "digest", digest, "size",
                     (json_int_t) size);
}

void image_manifest(const char *config, int64_t config_size, const struct image_layer *layers,
                    size_t count, struct strbuf *out)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              image_descriptor(MEDIA_LAYER, layers[i].digest, layers[i].size));
    dump(json_pack("{s:i, s:s, s:o, s:o}", "schemaVersion", 2, "mediaType", MEDIA_MANIFEST,
                   "config", image_descriptor(MEDIA_CONFIG, config, config_size), "layers", list),
         out);
}

void image_index(const char *media_type, const char *digest, int64_t size, const char *architecture,
                 struct strbuf *out)
{
    json_t *manifest = image_descriptor(media_type, digest, size);
    json_object_set_new(manifest, "platform",
                        json_pack("{s:s, s:s}", "architecture", architecture, "os", "linux"));
    dump(json_pack("{s:i, s:s, s:[o]}", "schemaVersion", 2, "mediaType", MEDIA_INDEX, "manifests",
                   manifest),
         out);
}
