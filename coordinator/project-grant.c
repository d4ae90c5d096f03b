#include "coordinator/project-grant.h"

#include "coordinator/project.h"
#include "coordinator/stack-objects.h"
#include "coordinator/stack-profile.h"
#include "lib/base64.h"
#include "lib/kube.h"

#include <string.h>

#define SECRET_VALUE_MAX 4096
#define HEX "0123456789abcdef"
#define TRIES 2 /* after the first: all of an order may be done again */

const struct project_grant *const project_grants[] = {&project_bucket, &project_topics, NULL};

/* No bucket and no user of the stack's own is called so. */
char *project_user(const struct project *p)
{
    return xasprintf("project-%s", p->name);
}

/* Orders */

void project_order_begin(struct project_order *o, const struct project_grant *g)
{
    o->files = json_object();
    strbuf_init(&o->conf, PROJECT_ORDER_MAX);
    strbuf_adds(&o->conf, g->head);
}

void project_order_release(struct project_order *o)
{
    json_decref(o->files);
    strbuf_release(&o->conf);
}

static json_t *object(const char *version, const char *kind, const char *name)
{
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}}", "apiVersion", version, "kind", kind,
                     "metadata", "name", name, "namespace", STACK_NAMESPACE, "labels",
                     "app.kubernetes.io/managed-by", STACK_MANAGER);
}

json_t *project_order_objects(const struct project_order *o, const struct project_grant *g,
                              const json_t *template, int seconds)
{
    AUTO_FREE char *conf = xasprintf("%sdone \"all of it\"\n", o->conf.data);
    json_t *order = object("v1", "Secret", g->job);
    json_t *files = json_deep_copy(o->files);
    json_object_set_new(files, "launch.conf", json_string(conf));
    json_object_set_new(order, "stringData", files);
    json_t *job = object("batch/v1", "Job", g->job);
    json_object_set_new(job, "spec",
                        json_pack("{s:i, s:i, s:O}", "backoffLimit", TRIES, "activeDeadlineSeconds",
                                  seconds, "template", json_object_get(template, "template")));
    return json_pack("[o, o]", order, job);
}

/* What was done */

static bool is_password(const char *text, size_t len)
{
    return len == PROJECT_PASSWORD_LEN && strspn(text, HEX) == len;
}

void project_password(const struct project_grant *g, const json_t *secret,
                      char out[PROJECT_PASSWORD_LEN + 1])
{
    CLEANUP(strbuf_release_secret) struct strbuf text;
    const char *data = json_get_string(json_object_get(secret, "data"), g->password, "");
    strbuf_init(&text, SECRET_VALUE_MAX);
    if (base64_decode(&text, data, strlen(data)) == 0 && is_password(text.data, text.len))
        memcpy(out, text.data, PROJECT_PASSWORD_LEN + 1);
    else
        random_hex(out, PROJECT_PASSWORD_LEN);
}

void project_mark(const struct project_grant *g, const struct project *p, const char *password,
                  const char *where, char out[DIGEST_SIZE])
{
    AUTO_PROJECT_ORDER o = {0};
    project_order_begin(&o, g);
    g->add(&o, p, password, PROJECT_GIVE);
    AUTO_JSON *all = json_pack("{s:s, s:O, s:s}", "conf", o.conf.data, "files", o.files, "where",
                               where);
    AUTO_FREE char *text = json_canonical(all);
    digest_buffer(text, strlen(text), out);
}

char *project_where(const struct project_grant *g, const json_t *list)
{
    STRV(uids);
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(list, "items"), i, o) {
        const json_t *metadata = json_object_get(o, "metadata");
        const char *app = json_get_string(json_object_get(metadata, "labels"),
                                          "app.kubernetes.io/name", "");
        if (kube_is_kind(o, "PersistentVolumeClaim") && strcmp(app, g->component) == 0)
            strv_add(&uids, json_get_string(metadata, "uid", ""));
    }
    strv_sort(&uids);
    return strv_join(&uids, " ");
}

/* The Secret that tells */

static json_t *encoded(const json_t *texts)
{
    json_t *out = json_object(), *value;
    const char *key;
    json_object_foreach((json_t *) texts, key, value) {
        STRBUF(text, SECRET_VALUE_MAX);
        base64_encode(&text, json_string_value(value), json_string_length(value), true);
        json_object_set_new(out, key, json_string(text.data));
    }
    return out;
}

json_t *project_secret(const struct project_grant *g, const struct project *p, const char *password,
                       const char *mark)
{
    AUTO_JSON *texts = g->tell(p, password);
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s}, s:{s:s}}, s:o}", "apiVersion", "v1",
                     "kind", "Secret", "metadata", "name", g->secret, "namespace", p->name,
                     "labels", "app.kubernetes.io/managed-by", STACK_MANAGER, PROJECT_LABEL,
                     p->name, "annotations", PROJECT_GRANTED, mark, "data", encoded(texts));
}

bool project_secret_is(const json_t *there, const json_t *wanted)
{
    static const char *const keys[] = {"labels", "annotations"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (!json_has_all(json_object_get(json_object_get(there, "metadata"), keys[i]),
                          json_object_get(json_object_get(wanted, "metadata"), keys[i])))
            return false;
    return json_has_all(json_object_get(there, "data"), json_object_get(wanted, "data"));
}

bool project_secret_is_stuck(const json_t *there)
{
    return json_get_bool(there, "immutable", false) ||
           strcmp(json_get_string(there, "type", "Opaque"), "Opaque") != 0;
}
