#include "coordinator/stack-render.h"

#include "coordinator/stack-chart.h"
#include "images/walk.h"
#include "lib/fd.h"
#include "lib/kube.h"
#include "lib/path.h"
#include "lib/yaml-json.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_LEN 64

void stack_rendered_release(struct stack_rendered *r)
{
    free(r->text);
    json_decref(r->objects);
    strv_release(&r->images);
    *r = (struct stack_rendered){0};
}

/* Documents */

static int take_document(const char *text, size_t len, const char *name, json_t *objects,
                         struct error *err)
{
    CLEANUP(yaml_release) struct yaml_file f = YAML_FILE_INIT;
    int r = yaml_parse_output(text, len, name, &f, err);
    if (r < 0 || yaml_is_null(f.root))
        return r;
    AUTO_JSON *object = yaml_to_json(f.root);
    const json_t *metadata = json_object_get(object, "metadata");
    if (!json_get_string(object, "apiVersion", NULL) || !json_get_string(object, "kind", NULL) ||
        !json_get_string(metadata, "name", NULL))
        return yaml_error(&f, f.root, err,
                          "expected an object with apiVersion, kind and metadata.name");
    json_array_append(objects, object);
    return 0;
}

/* Texts in it are indented: "---" at the beginning of a line ends a document. */
static const char *next_separator(const char *text)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "---", 3) == 0 && (line[3] == '\n' || line[3] == '\0'))
            return line;
    }
    return text + strlen(text);
}

int stack_parse(const char *text, const char *name, json_t *objects, struct error *err)
{
    int r = 0;
    while (r == 0 && text && *text) {
        const char *end = next_separator(text);
        r = take_document(text, (size_t) (end - text), name, objects, err);
        text = end + (*end ? 3 : 0);
    }
    return r;
}

/* Images */

static void add_image(const json_t *container, struct strv *images)
{
    const char *image = json_get_string(container, "image", NULL);
    if (image && !strv_contains(images, image))
        strv_add(images, image);
}

void stack_find_images(const json_t *object, struct strv *images)
{
    static const char *const lists[] = {"containers", "initContainers"};
    const char *key;
    json_t *value;
    size_t i;
    for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
        json_array_foreach(json_object_get(object, lists[k]), i, value)
            add_image(value, images);
    json_object_foreach((json_t *) (uintptr_t) object, key, value)
        stack_find_images(value, images);
    if (json_is_array(object))
        json_array_foreach(object, i, value)
            stack_find_images(value, images);
}

/* Values */

char *stack_values_text(const json_t *values)
{
    AUTO_JSON *map = json_pack("{s:s, s:s, s:{s:s, s:{s:s}}, s:O}", "apiVersion", "v1", "kind",
                               "ConfigMap", "metadata", "name", "values", "annotations",
                               "config.kubernetes.io/local-config", "true", "data", values);
    return json_pretty(map); /* JSON is YAML */
}

static void add_value(struct strbuf *out, const json_t *value)
{
    if (json_is_string(value)) {
        strbuf_adds(out, json_string_value(value));
        return;
    }
    AUTO_FREE char *text = json_dumps(value, JSON_ENCODE_ANY);
    strbuf_adds(out, text);
}

/* As Kubernetes expands variables in commands and arguments. */
static bool is_kubernetes_own(const char *name)
{
    return name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

/* The name in "$(NAME)" that text begins with; false where it is something else. */
static bool read_name(const char *text, char name[NAME_LEN])
{
    size_t len = strcspn(text + 2, ") \n\"'$(");
    if (len == 0 || len >= NAME_LEN || text[2 + len] != ')')
        return false;
    memcpy(name, text + 2, len);
    name[len] = '\0';
    return true;
}

int stack_substitute(const char *text, const json_t *values, char **out, struct error *err)
{
    STRBUF(result, STACK_RENDERED_MAX);
    char name[NAME_LEN];
    for (const char *at; (at = strstr(text, "$(")); text = at) {
        strbuf_add(&result, text, (size_t) (at - text));
        const json_t *value = read_name(at, name) ? json_object_get(values, name) : NULL;
        if (value) {
            add_value(&result, value);
            at += strlen("$()") + strlen(name);
            continue;
        }
        if (read_name(at, name) && !is_kubernetes_own(name))
            return error_set(err, -EINVAL, "there is no value \"%s\" for $(%s)", name, name);
        strbuf_adds(&result, "$(");
        at += 2;
    }
    strbuf_adds(&result, text);
    *out = strbuf_steal(&result);
    return 0;
}

/* Jobs of tests */

static int check_job(const json_t *objects, const char *path, struct error *err)
{
    size_t i, jobs = 0;
    json_t *object;
    json_array_foreach(objects, i, object)
        jobs += kube_is_kind(object, "Job");
    return jobs == 1 ? 0 : error_set(err, -EINVAL, "%s: %zu Jobs, expected one", path, jobs);
}

int stack_render_job(const struct stack_component *c, const struct stack_step *step, char **text,
                     json_t **out, struct error *err)
{
    STRBUF(raw, YAML_SIZE_MAX);
    AUTO_FREE char *path = path_join(c->dir, step->what);
    AUTO_FREE char *filled = NULL;
    AUTO_JSON *objects = json_array();
    int r = file_read(path, &raw, err);
    if (r < 0)
        return r;
    if (stack_substitute(raw.data, c->values, &filled, err) < 0)
        return error_prefix(err, "%s", path);
    if ((r = stack_parse(filled, path, objects, err)) < 0 ||
        (r = check_job(objects, path, err)) < 0)
        return r;
    *text = TAKE_PTR(filled);
    *out = TAKE_PTR(objects);
    return 0;
}

static int add_test_images(const struct stack_component *c, struct strv *images, struct error *err)
{
    for (size_t i = 0; i < c->test_count; i++)
        for (size_t k = 0; k < c->tests[i].step_count; k++) {
            AUTO_FREE char *text = NULL;
            AUTO_JSON *objects = NULL;
            if (c->tests[i].steps[k].kind != STACK_STEP_JOB)
                continue;
            int r = stack_render_job(c, &c->tests[i].steps[k], &text, &objects, err);
            if (r < 0)
                return r;
            stack_find_images(objects, images);
        }
    return 0;
}

/* Folders */

static int copy_entry(void *userdata, const char *path, const char *full, const struct stat *st,
                      struct error *err)
{
    AUTO_FREE char *to = path_join(userdata, path);
    if (S_ISDIR(st->st_mode))
        return mkdir(to, 0700) == 0 ? 0 : error_errno(err, -errno, "make %s", to);
    if (S_ISREG(st->st_mode))
        return file_copy(full, to, 0600, err);
    return error_set(err, -EINVAL, "%s is neither a file nor a folder", full);
}

static int copy_folder(const struct stack_component *c, char *to, struct error *err)
{
    AUTO_FREE char *values = stack_values_text(c->values);
    AUTO_FREE char *path = path_join(to, STACK_VALUES_FILE);
    int r;
    if ((r = path_make_empty(to, 0700, err)) < 0 || (r = walk(c->dir, copy_entry, to, err)) < 0)
        return r;
    if (c->chart || access(path, F_OK) < 0)
        return 0;
    return file_write_atomic(path, values, strlen(values), 0600, err);
}

static int kustomize(const struct stack_renderer *by, const struct stack_component *c, char *dir,
                     struct strbuf *out, struct error *err)
{
    const char *const args[] = {"kustomize", dir, NULL};
    int r = copy_folder(c, dir, err);
    if (r == 0 && c->chart)
        r = stack_chart_template(by->helm, c, dir, by->version, by->kubectl->cancel, err);
    return r < 0 ? r : kubectl_run(by->kubectl, args, NULL, KUBECTL_TIMEOUT_MS, out, err);
}

static void take_chart(struct stack_rendered *r)
{
    json_t *objects = stack_chart_objects(r->objects);
    AUTO_JSON *list = kube_list(json_incref(objects));
    json_decref(r->objects);
    r->objects = objects;
    r->text = json_canonical(list);
}

static int render(const struct stack_renderer *by, const struct stack_component *c, char *dir,
                  struct stack_rendered *r, struct error *err)
{
    STRBUF(text, STACK_RENDERED_MAX);
    int e;
    if ((e = kustomize(by, c, dir, &text, err)) < 0 ||
        (e = stack_parse(text.data, "as rendered", r->objects, err)) < 0)
        return e;
    if (c->chart)
        take_chart(r);
    else
        r->text = strbuf_steal(&text);
    stack_find_images(r->objects, &r->images);
    return add_test_images(c, &r->images, err);
}

int stack_render(const struct stack_renderer *by, const struct stack_component *c,
                 struct stack_rendered *out, struct error *err)
{
    CLEANUP(stack_rendered_release) struct stack_rendered r = {.objects = json_array()};
    AUTO_FREE char *dir = path_join(by->scratch, c->name);
    if (render(by, c, dir, &r, err) < 0)
        return error_prefix(err, "component %s", c->name);
    *out = r;
    r = (struct stack_rendered){0};
    return 0;
}
