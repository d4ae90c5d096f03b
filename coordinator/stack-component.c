#include "coordinator/stack-profile.h"

#include "coordinator/stack-chart.h"
#include "images/fields.h"
#include "lib/grammar.h"
#include "lib/path.h"
#include "lib/yaml-json.h"
#include "lib/yaml.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTION_FILE "component.yaml"
#define SECONDS_MAX 3600
#define TESTS_MAX 100
#define LOCAL_CONFIG "config.kubernetes.io/local-config"

static void release_test(struct stack_test *t)
{
    for (size_t i = 0; i < t->step_count; i++)
        free(t->steps[i].what);
    free(t->steps);
    free(t->name);
}

static void release_secrets(struct stack_secret *secrets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(secrets[i].name);
        strv_release(&secrets[i].keys);
    }
    free(secrets);
}

void stack_component_release(struct stack_component *c)
{
    for (size_t i = 0; i < c->test_count; i++)
        release_test(&c->tests[i]);
    release_secrets(c->secrets, c->secret_count);
    release_secrets(c->certificates, c->certificate_count);
    free(c->tests);
    free(c->after);
    free(c->name);
    free(c->version);
    free(c->summary);
    free(c->dir);
    free(c->chart);
    json_decref(c->values);
    *c = (struct stack_component){0};
}

struct reading {
    const struct yaml_file *f;
    struct stack_component *c;
    const struct strv *names; /* of the profile's components */
    struct strv *after;
};

static int read_copy(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                     char **out, struct error *err)
{
    const char *text;
    int r = fields_need_string(f, map, key, &text, err);
    if (r == 0)
        *out = xstrdup(text);
    return r;
}

static int read_seconds(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                        int fallback, int *out, struct error *err)
{
    int64_t seconds = fallback;
    const struct yaml_node *n = yaml_get(map, key);
    int r = n ? yaml_int(f, n, 1, SECONDS_MAX, &seconds, err) : 0;
    *out = (int) seconds;
    return r;
}

/* Tests */

static bool is_file(const char *dir, const char *path)
{
    AUTO_FREE char *full = path_join(dir, path);
    struct stat st;
    return stat(full, &st) == 0 && S_ISREG(st.st_mode);
}

static int read_job(const struct reading *d, const struct yaml_node *map, struct stack_step *s,
                    struct error *err)
{
    const char *path = "";
    int r = fields_get_path(d->f, map, "job", &path, err);
    if (r < 0)
        return r;
    if (!is_file(d->c->dir, path))
        return yaml_error(d->f, yaml_get(map, "job"), err,
                          "there is no file %s in the component, expected that of a Job", path);
    s->what = xstrdup(path);
    return 0;
}

static int read_kill(const struct reading *d, const struct yaml_node *map, struct stack_step *s,
                     struct error *err)
{
    s->kind = STACK_STEP_KILL;
    int r = read_copy(d->f, map, "kill", &s->what, err);
    if (r < 0 || grammar_hostname(s->what))
        return r;
    return yaml_error(d->f, yaml_get(map, "kill"), err, "this is no name of a pod");
}

static int read_step(const struct reading *d, const struct yaml_node *n, struct stack_step *s,
                     struct error *err)
{
    static const char *const keys[] = {"job", "kill", NULL};
    int r = fields_check(d->f, n, keys, err);
    if (r < 0)
        return r;
    if (n->count != 1)
        return yaml_error(d->f, n, err, "found %zu keys, expected either job or kill", n->count);
    return yaml_get(n, "job") ? read_job(d, n, s, err) : read_kill(d, n, s, err);
}

/* A list that has something in it. */
static int need_list(const struct yaml_file *f, const struct yaml_node *map, const char *key,
                     const struct yaml_node **out, struct error *err)
{
    int r = fields_need(f, map, key, out, err);
    if (r < 0 || (r = fields_kind(f, *out, YAML_SEQUENCE, err)) < 0)
        return r;
    return (*out)->count ? 0 : yaml_error(f, *out, err, "\"%s\" is empty", key);
}

static int read_test(const struct reading *d, const struct yaml_node *n, struct stack_test *t,
                     struct error *err)
{
    static const char *const keys[] = {"name", "seconds", "steps", NULL};
    const struct yaml_node *list;
    int r;
    if ((r = fields_check(d->f, n, keys, err)) < 0 ||
        (r = read_copy(d->f, n, "name", &t->name, err)) < 0 ||
        (r = read_seconds(d->f, n, "seconds", STACK_TEST_SECONDS, &t->seconds, err)) < 0 ||
        (r = need_list(d->f, n, "steps", &list, err)) < 0)
        return r;
    t->steps = xcalloc(list->count, sizeof(*t->steps));
    while (r == 0 && t->step_count < list->count) {
        struct stack_step *s = &t->steps[t->step_count];
        r = read_step(d, list->items[t->step_count++], s, err);
    }
    return r;
}

static int read_tests(const struct reading *d, struct error *err)
{
    const struct yaml_node *list = NULL;
    if (!yaml_get(d->f->root, "tests"))
        return 0;
    int r = need_list(d->f, d->f->root, "tests", &list, err);
    if (r < 0)
        return r;
    if (list->count > TESTS_MAX)
        return yaml_error(d->f, list, err, "more than %d tests", TESTS_MAX);
    d->c->tests = xcalloc(list->count, sizeof(*d->c->tests));
    while (r == 0 && d->c->test_count < list->count) {
        struct stack_test *t = &d->c->tests[d->c->test_count];
        r = read_test(d, list->items[d->c->test_count++], t, err);
    }
    return r;
}

/* Secrets */

/* ConfigMaps' and Secrets' keys: k8s.io/apimachinery, IsConfigMapKey. */
static bool is_data_key(const char *s)
{
    static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t len = strlen(s);
    return len > 0 && len <= 253 && s[0] != '.' && strspn(s, all) == len;
}

/* {NAME: [TEXT, …]} of Secrets. */
static int read_names(const struct reading *d, const char *key, struct stack_secret **out,
                      size_t *count, struct error *err)
{
    const struct yaml_node *map = yaml_get(d->f->root, key);
    int r = map ? fields_kind(d->f, map, YAML_MAPPING, err) : 0;
    if (!map || r < 0)
        return r;
    *out = xcalloc(map->count + 1, sizeof(**out));
    for (size_t i = 0; r == 0 && i < map->count; i++) {
        struct stack_secret *s = &(*out)[(*count)++];
        s->name = xstrdup(map->keys[i]);
        if (!grammar_hostname(s->name))
            return yaml_error_key(d->f, map, i, err, "this is no name of a Secret");
        r = fields_need_strings(d->f, map, s->name, &s->keys, err);
    }
    return r;
}

static int read_secrets(const struct reading *d, struct error *err)
{
    struct stack_component *c = d->c;
    int r = read_names(d, "secrets", &c->secrets, &c->secret_count, err);
    for (size_t i = 0; r == 0 && i < c->secret_count; i++)
        for (size_t k = 0; r == 0 && k < c->secrets[i].keys.count; k++)
            if (!is_data_key(c->secrets[i].keys.items[k]))
                r = yaml_error(d->f, yaml_get(d->f->root, "secrets")->items[i]->items[k], err,
                               "a key of a Secret has letters, digits and -_. only");
    return r < 0 ? r : read_names(d, "certificates", &c->certificates, &c->certificate_count, err);
}

/* What it comes after */

static int read_after(const struct reading *d, struct error *err)
{
    STRV(certain);
    STRV(perhaps);
    const struct yaml_node *list = yaml_get(d->f->root, "after");
    int r;
    if ((r = fields_get_strings(d->f, d->f->root, "after", &certain, err)) < 0 ||
        (r = fields_get_strings(d->f, d->f->root, "after_if_there", &perhaps, err)) < 0)
        return r;
    for (size_t i = 0; i < certain.count; i++) {
        if (!strv_contains(d->names, certain.items[i])) {
            yaml_error(d->f, list->items[i], err,
                       "%s comes after %s, and the profile does not have that", d->c->name,
                       certain.items[i]);
            return error_remedy(err, "add %s to the profile", certain.items[i]);
        }
        strv_add(d->after, certain.items[i]);
    }
    for (size_t i = 0; i < perhaps.count; i++)
        if (strv_contains(d->names, perhaps.items[i]))
            strv_add(d->after, perhaps.items[i]);
    return 0;
}

static int read_chart(const struct reading *d, struct error *err)
{
    const struct yaml_node *n = yaml_get(d->f->root, "chart");
    const char *path = "";
    int r = fields_get_path(d->f, d->f->root, "chart", &path, err);
    if (r < 0 || !n)
        return r;
    if (!is_file(d->c->dir, path))
        return yaml_error(d->f, n, err,
                          "there is no file %s in the component, expected a Helm chart's tarball",
                          path);
    d->c->chart = xstrdup(path);
    return 0;
}

static int read_description(const struct reading *d, struct error *err)
{
    static const char *const keys[] = {"name",         "version",        "summary", "chart",
                                       "after",        "after_if_there", "tests",   "secrets",
                                       "certificates", "ready_seconds",  NULL};
    const struct yaml_file *f = d->f;
    struct stack_component *c = d->c;
    const char *name, *version;
    int r;
    if ((r = fields_check(f, f->root, keys, err)) < 0 ||
        (r = fields_need_word(f, f->root, "name", &name, err)) < 0 ||
        (r = fields_need_word(f, f->root, "version", &version, err)) < 0 ||
        (r = read_copy(f, f->root, "summary", &c->summary, err)) < 0 ||
        (r = read_seconds(f, f->root, "ready_seconds", STACK_READY_SECONDS, &c->ready_seconds,
                          err)) < 0)
        return r;
    if (strcmp(name, c->name) != 0)
        return yaml_error(f, yaml_get(f->root, "name"), err, "it is called %s, expected %s as %s",
                          name, c->name, "its folder is");
    c->version = xstrdup(version);
    if ((r = read_chart(d, err)) < 0 || (r = read_after(d, err)) < 0 ||
        (r = read_secrets(d, err)) < 0)
        return r;
    return read_tests(d, err);
}

/* Values: a ConfigMap that stays with kustomize. */

static int check_values_head(const struct yaml_file *f, struct error *err)
{
    static const char *const keys[] = {"apiVersion", "kind", "metadata", "data", NULL};
    const struct yaml_node *metadata = NULL;
    const char *kind, *name, *local = "";
    int r;
    if ((r = fields_check(f, f->root, keys, err)) < 0 ||
        (r = fields_need_string(f, f->root, "kind", &kind, err)) < 0 ||
        (r = fields_need(f, f->root, "metadata", &metadata, err)) < 0 ||
        (r = fields_kind(f, metadata, YAML_MAPPING, err)) < 0 ||
        (r = fields_need_string(f, metadata, "name", &name, err)) < 0)
        return r;
    const struct yaml_node *annotations = yaml_get(metadata, "annotations");
    if (annotations && (r = fields_get_string(f, annotations, LOCAL_CONFIG, &local, err)) < 0)
        return r;
    if (strcmp(kind, "ConfigMap") != 0 || strcmp(name, "values") != 0 || strcmp(local, "true") != 0)
        return yaml_error(f, f->root, err,
                          "expected a ConfigMap called values with the annotation %s: \"true\"",
                          LOCAL_CONFIG);
    return 0;
}

/* Helm's own form: a tree of anything. */
static int read_chart_values(const struct yaml_file *f, struct stack_component *c,
                             struct error *err)
{
    int r = f->root ? fields_kind(f, f->root, YAML_MAPPING, err) : 0;
    if (r < 0 || !f->root)
        return r;
    AUTO_JSON *tree = yaml_to_json(f->root);
    json_decref(c->values);
    c->values = stack_chart_values(tree);
    return 0;
}

static int read_values(const struct yaml_file *f, json_t *values, struct error *err)
{
    const struct yaml_node *data = NULL;
    int r;
    if ((r = check_values_head(f, err)) < 0 ||
        (r = fields_need(f, f->root, "data", &data, err)) < 0 ||
        (r = fields_kind(f, data, YAML_MAPPING, err)) < 0)
        return r;
    for (size_t i = 0; i < data->count; i++) {
        if (data->items[i]->kind != YAML_SCALAR)
            return yaml_error(f, data->items[i], err, "expected a plain value");
        json_object_set_new(values, data->keys[i], yaml_to_json(data->items[i]));
    }
    return 0;
}

static int load_values(struct stack_component *c, struct error *err)
{
    CLEANUP(yaml_release) struct yaml_file f = YAML_FILE_INIT;
    c->values = json_object();
    if (!is_file(c->dir, STACK_VALUES_FILE))
        return 0;
    AUTO_FREE char *path = path_join(c->dir, STACK_VALUES_FILE);
    int r = yaml_parse_file(path, &f, err);
    if (r < 0)
        return r;
    return c->chart ? read_chart_values(&f, c, err) : read_values(&f, c->values, err);
}

int stack_component_load(struct stack_component *c, const char *dir, const struct strv *names,
                         struct strv *after, struct error *err)
{
    CLEANUP(yaml_release) struct yaml_file f = YAML_FILE_INIT;
    const struct reading d = {&f, c, names, after};
    AUTO_FREE char *path = path_join(dir, DESCRIPTION_FILE);
    c->dir = xstrdup(dir);
    int r;
    if ((r = yaml_parse_file(path, &f, err)) < 0 || (r = read_description(&d, err)) < 0)
        return r;
    if (!c->chart && !is_file(dir, STACK_KUSTOMIZATION_FILE))
        return error_set(err, -ENOENT, "component %s: there is no %s in %s", c->name,
                         STACK_KUSTOMIZATION_FILE, dir);
    return load_values(c, err);
}
