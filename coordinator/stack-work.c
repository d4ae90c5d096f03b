#include "coordinator/stack-work.h"

#include "coordinator/bundle-program.h"
#include "coordinator/stack-objects.h"
#include "images/extract.h"
#include "lib/path.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define COMPONENTS "components"

void stack_work_release(struct stack_work *w)
{
    for (size_t i = 0; w->rendered && i < w->stack.count; i++)
        stack_rendered_release(&w->rendered[i]);
    free(w->rendered);
    free(w->profile);
    stack_release(&w->stack);
    kubectl_release(&w->kubectl);
    if (w->scratch)
        (void) path_remove_tree(w->scratch, NULL);
    free(w->scratch);
    *w = STACK_WORK_INIT;
}

bool stack_is_file(const char *profile)
{
    return strchr(profile, '/') || stack_stem(profile) > 0;
}

static int make_scratch(struct stack_work *w, struct error *err)
{
    AUTO_FREE char *cache = path_cache_dir();
    AUTO_FREE char *scratch = path_join(cache, ".stack.XXXXXX");
    int r = path_mkdir_p(cache, 0755, err);
    if (r < 0)
        return r;
    if (!mkdtemp(scratch))
        return error_errno(err, -errno, "make a folder in %s", cache);
    w->scratch = TAKE_PTR(scratch);
    return 0;
}

/* Each stack of the bundle in a folder of its own. */
static int unpack(const struct stack_work *w, struct strv *roots, struct error *err)
{
    const struct bundle *b = w->bundle;
    int r = 0;
    for (size_t i = 0; r == 0 && b && i < b->component_count; i++) {
        if (b->components[i].kind != COMPONENT_STACK)
            continue;
        AUTO_FREE char *root = xasprintf("%s/bundle.%zu", w->scratch, i);
        r = bundle_extract(b, &b->components[i], root, err);
        strv_add(roots, root);
    }
    return r;
}

static void list_profiles(const char *root, struct strv *out)
{
    AUTO_DIR *dir = opendir(root);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        AUTO_FREE char *name = xstrndup(e->d_name, stack_stem(e->d_name));
        if (*name)
            strv_add(out, name);
    }
}

static int unknown_profile(const struct stack_work *w, const char *name, const struct strv *roots,
                           struct error *err)
{
    STRV(known);
    for (size_t i = 0; i < roots->count; i++)
        list_profiles(roots->items[i], &known);
    strv_sort(&known);
    AUTO_FREE char *list = strv_join(&known, ", ");
    if (known.count == 0) {
        error_set(err, -ENOENT, "there is no profile %s: %s%s", name,
                  w->bundle ? "no profiles are in the bundle " : "no bundle is named",
                  w->bundle && w->bundle->path ? w->bundle->path : "");
        return error_remedy(err, "name a bundle with a stack (bundle build "
                                 "images/recipes/stack.yaml, then bundle merge), or a profile of "
                                 "your own by its path, DIR/NAME.yaml");
    }
    error_set(err, -ENOENT, "there is no profile %s in the bundle", name);
    return error_remedy(err, "it has: %s; one of your own is named by its path, DIR/NAME.yaml",
                        list);
}

/* The caller owns *file. */
static int find_profile(const struct stack_work *w, const char *profile, const struct strv *roots,
                        char **file, struct error *err)
{
    for (size_t i = 0; i < roots->count; i++) {
        AUTO_FREE char *path = xasprintf("%s/%s.yaml", roots->items[i], profile);
        if (access(path, F_OK) == 0) {
            *file = TAKE_PTR(path);
            return 0;
        }
    }
    return unknown_profile(w, profile, roots, err);
}

static int recall_profile(struct stack_work *w, struct error *err)
{
    int r = stack_recall(&w->kubectl, STACK_APPLIED, &w->profile, err);
    if (r < 0 || w->profile)
        return r;
    error_set(err, -ENOENT, "no profile is named, and the cluster has had none");
    return error_remedy(err, "name one: --profile NAME, or DIR/NAME.yaml");
}

static int choose_profile(struct stack_work *w, const char *profile, struct error *err)
{
    if (!profile)
        return recall_profile(w, err);
    w->profile = stack_is_file(profile) ? realpath(profile, NULL) : xstrdup(profile);
    return w->profile ? 0 : error_errno(err, -errno, "profile %s", profile);
}

static int load(struct stack_work *w, struct error *err)
{
    const char *profile = w->profile;
    STRV(roots);
    STRV(folders);
    AUTO_FREE char *file = NULL;
    int r = unpack(w, &roots, err);
    if (r < 0)
        return r;
    if (stack_is_file(profile)) {
        AUTO_FREE char *own = path_dirname(profile);
        strv_addf(&folders, "%s/" COMPONENTS, own);
        file = xstrdup(profile);
    } else if ((r = find_profile(w, profile, &roots, &file, err)) < 0) {
        return r;
    }
    for (size_t i = 0; i < roots.count; i++)
        strv_addf(&folders, "%s/" COMPONENTS, roots.items[i]);
    return stack_load(file, &folders, &w->stack, err);
}

static bool has_image(const struct bundle *b, const char *ref)
{
    for (size_t i = 0; i < b->component_count; i++)
        if (b->components[i].kind == COMPONENT_IMAGE && strcmp(b->components[i].ref, ref) == 0)
            return true;
    return false;
}

int stack_check_images(const struct bundle *b, const struct stack_component *c,
                       const struct strv *images, struct error *err)
{
    STRV(missing);
    for (size_t i = 0; i < images->count; i++)
        if (!has_image(b, images->items[i]))
            strv_add(&missing, images->items[i]);
    if (missing.count == 0)
        return 0;
    AUTO_FREE char *list = strv_join(&missing, ", ");
    error_set(err, -ENOENT, "component %s needs images that the bundle lacks: %s", c->name, list);
    return error_remedy(err,
                        "`bundle build` a recipe that has them (images/recipes/stack.yaml, or "
                        "release.yaml where registries are reached), then `bundle merge` it "
                        "with this bundle; or take %s out of the profile",
                        c->name);
}

/* Only a chart needs it. */
static int find_helm(const struct stack_work *w, char **helm, struct error *err)
{
    for (size_t i = 0; i < w->stack.count; i++) {
        const struct stack_component *c = &w->stack.components[i];
        if (c->chart)
            return bundle_program(w->bundle, "helm", helm, err) < 0
                       ? error_prefix(err, "component %s is a Helm chart", c->name)
                       : 0;
    }
    return 0;
}

static int render_all(struct stack_work *w, struct error *err)
{
    AUTO_FREE char *dir = path_join(w->scratch, "rendered");
    AUTO_FREE char *helm = NULL;
    const struct component *kubectl = w->bundle ? bundle_find(w->bundle, "kubectl") : NULL;
    int r = path_mkdir_p(dir, 0700, err);
    r = r < 0 ? r : find_helm(w, &helm, err);
    const struct stack_renderer by = {&w->kubectl, helm, kubectl ? kubectl->version : NULL, dir};
    w->rendered = xcalloc(w->stack.count, sizeof(*w->rendered));
    for (size_t i = 0; r == 0 && i < w->stack.count; i++) {
        const struct stack_component *c = &w->stack.components[i];
        r = stack_render(&by, c, &w->rendered[i], err);
        if (r == 0 && w->bundle)
            r = stack_check_images(w->bundle, c, &w->rendered[i].images, err);
    }
    return r;
}

int stack_work_open(const struct stack_choice *choice, struct stack_work *out, struct error *err)
{
    AUTO_STACK_WORK w = {.bundle = choice->bundle};
    int r;
    if ((r = make_scratch(&w, err)) < 0 ||
        (r = kubectl_open(choice->bundle, choice->kubeconfig, choice->cancel, &w.kubectl, err)) <
            0 ||
        (r = choose_profile(&w, choice->profile, err)) < 0 || (r = load(&w, err)) < 0 ||
        (r = render_all(&w, err)) < 0)
        return r;
    *out = w;
    w = STACK_WORK_INIT;
    return 0;
}
