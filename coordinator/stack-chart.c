#include "coordinator/stack-chart.h"

#include "coordinator/kubectl.h"
#include "coordinator/stack-render.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/process.h"
#include "lib/yaml-json.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define HOOK "helm.sh/hook"
#define KUSTOMIZATION \
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n" \
    "resources: [" STACK_CHART_OUTPUT "]\n"

/* Values */

static void flatten(const json_t *tree, const char *prefix, json_t *out)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) (uintptr_t) tree, key, value) {
        AUTO_FREE char *path = xasprintf("%s%s%s", prefix, *prefix ? "." : "", key);
        if (strchr(key, '.'))
            continue;
        if (json_is_object(value))
            flatten(value, path, out);
        else if (!json_is_array(value) && !json_is_null(value))
            json_object_set(out, path, value);
    }
}

json_t *stack_chart_values(const json_t *tree)
{
    json_t *values = json_object();
    flatten(tree, "", values);
    return values;
}

static void set_value(json_t *tree, const char *path, json_t *value)
{
    STRV(names);
    strv_split(&names, path, '.');
    for (size_t i = 0; i + 1 < names.count; i++)
        tree = json_object_get(tree, names.items[i]);
    json_object_set(tree, names.items[names.count - 1], value);
}

void stack_chart_set_values(json_t *tree, const json_t *values)
{
    const char *path;
    json_t *value;
    json_object_foreach((json_t *) (uintptr_t) values, path, value)
        set_value(tree, path, value);
}

/* Objects */

/* Helm runs hooks at their times; here everything is applied, and what belongs to no installation
 * is not. */
static bool is_applied(const json_t *object)
{
    static const char *const times[] = {"pre-install", "post-install", "crd-install"};
    const json_t *metadata = json_object_get(object, "metadata");
    const char *hook = json_get_string(json_object_get(metadata, "annotations"), HOOK, NULL);
    STRV(words);
    if (!hook)
        return true;
    strv_split(&words, hook, ',');
    for (size_t i = 0; i < words.count; i++)
        for (size_t k = 0; k < ARRAY_SIZE(times); k++)
            if (strcmp(words.items[i] + strspn(words.items[i], " "), times[k]) == 0)
                return true;
    return false;
}

json_t *stack_chart_objects(const json_t *objects)
{
    json_t *kept = json_array(), *o;
    size_t i;
    json_array_foreach(objects, i, o) {
        if (!is_applied(o))
            continue;
        json_t *copy = json_deep_copy(o), *metadata = json_object_get(copy, "metadata");
        if (!json_object_get(metadata, "namespace")) /* ignored by kinds that have none */
            json_object_set_new(metadata, "namespace", json_string(STACK_NAMESPACE));
        json_array_append_new(kept, copy);
    }
    return kept;
}

/* Helm */

static int write_values(const struct stack_component *c, const char *path, struct error *err)
{
    CLEANUP(yaml_release) struct yaml_file f = YAML_FILE_INIT;
    int r = access(path, F_OK) == 0 ? yaml_parse_file(path, &f, err) : 0;
    if (r < 0)
        return r;
    AUTO_JSON *tree = f.root ? yaml_to_json(f.root) : json_object();
    stack_chart_set_values(tree, c->values);
    AUTO_FREE char *text = json_pretty(tree); /* JSON is YAML */
    return file_write_atomic(path, text, strlen(text), 0600, err);
}

/* Tests of its own would stay; a component's are in its component.yaml. */
static int run_helm(const char *helm, const struct stack_component *c, const char *dir,
                    const char *version, const bool *cancel, struct strbuf *out, struct error *err)
{
    AUTO_FREE char *chart = path_join(dir, c->chart);
    AUTO_FREE char *values = path_join(dir, STACK_VALUES_FILE);
    const char *const args[] = {helm,
                                "template",
                                c->name,
                                chart,
                                "--values",
                                values,
                                "--namespace",
                                STACK_NAMESPACE,
                                "--include-crds",
                                "--skip-tests",
                                version ? "--kube-version" : NULL,
                                version,
                                NULL};
    const struct process_options opts = {
        .out = out, .timeout_ms = KUBECTL_TIMEOUT_MS, .cancel = cancel, .die_with_parent = true};
    int r = process_run(args, &opts, NULL, err);
    if (r == 0 && strbuf_full(out))
        return error_set(err, -E2BIG, "helm said more than %zu bytes", out->max);
    return r < 0 ? error_prefix(err, "chart %s", c->chart) : 0;
}

int stack_chart_template(const char *helm, const struct stack_component *c, const char *dir,
                         const char *version, const bool *cancel, struct error *err)
{
    STRBUF(text, STACK_RENDERED_MAX);
    AUTO_FREE char *values = path_join(dir, STACK_VALUES_FILE);
    AUTO_FREE char *output = path_join(dir, STACK_CHART_OUTPUT);
    AUTO_FREE char *kustomization = path_join(dir, STACK_KUSTOMIZATION_FILE);
    int r;
    if ((r = write_values(c, values, err)) < 0 ||
        (r = run_helm(helm, c, dir, version, cancel, &text, err)) < 0 ||
        (r = file_write_atomic(output, text.data, text.len, 0600, err)) < 0)
        return r;
    if (access(kustomization, F_OK) == 0)
        return 0;
    return file_write_atomic(kustomization, KUSTOMIZATION, strlen(KUSTOMIZATION), 0600, err);
}
