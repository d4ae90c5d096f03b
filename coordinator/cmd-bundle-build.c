#include "coordinator/command.h"
#include "coordinator/options.h"
#include "coordinator/signing.h"
#include "coordinator/view.h"
#include "images/build.h"
#include "images/bundle.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/path.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define STEP_TEXT_MAX 256
#define LIVE_EVERY_MS 250
#define PLAIN_EVERY_MS 5000 /* long work says something at least this often */
#define MEGABYTE 1e6

struct build_arguments {
    const char *out, *sign, *registry_config;
    struct strv next_keys, delta_from, only;
    bool update_lock;
    int output;
};

static const struct option_spec options[] = {
    {"out", 'o', OPTION_TEXT, offsetof(struct build_arguments, out), "DIR",
     "folder of the bundle; default: bundle, in our cache"},
    {"sign", 's', OPTION_TEXT, offsetof(struct build_arguments, sign), "NAME.key",
     "sign it with this secret key, as bundle sign does"},
    {"registry-config", 0, OPTION_TEXT, offsetof(struct build_arguments, registry_config), "DIR",
     "mirrors, as containerd has them: DIR/HOST/hosts.toml"},
    {"next-key", 0, OPTION_LIST, offsetof(struct build_arguments, next_keys), "NAME.pub",
     "announce a key that may sign what comes after, besides the one of this bundle"},
    {"delta-from", 0, OPTION_LIST, offsetof(struct build_arguments, delta_from), "BUNDLE",
     "add patches for hosts that have this former bundle; may be given several times"},
    {"only", 0, OPTION_LIST, offsetof(struct build_arguments, only), "NAME[,NAME...]",
     "no other components of the recipe than these"},
    {"update-lock", 0, OPTION_FLAG, offsetof(struct build_arguments, update_lock), NULL,
     "resolve anew what RECIPE.lock pins"},
    OPTION_OUTPUT(struct build_arguments, output),
    OPTION_END,
};

/* What is shown while a build works: a thread repeats the state, as a compiler may be silent for
 * long. The lock covers all but mode. */
struct progress {
    enum view_mode mode;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopped;
    size_t index, total;
    char name[80], text[STEP_TEXT_MAX];
    int64_t began_ms, shown_ms;
    size_t components, fresh, deltas;
    int64_t size, delta_size;
};

static enum view_mode choose_mode(int output)
{
    const char *term = getenv("TERM");
    if (output != VIEW_AUTO)
        return (enum view_mode) output;
    return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 ? VIEW_LIVE : VIEW_PLAIN;
}

static size_t columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

static void clear_live(const struct progress *p)
{
    if (p->mode == VIEW_LIVE)
        (void) fputs("\r\033[K", stdout);
}

static void show_live(const struct progress *p)
{
    STRBUF(line, 1024);
    strbuf_addf(&line, "[%2zu/%zu] %s %llds  %s", p->index, p->total, p->name,
                (long long) ((clock_monotonic_ms() - p->began_ms) / 1000), p->text);
    size_t width = columns() - 1;
    (void) printf("\r\033[K%.*s", (int) (line.len < width ? line.len : width), line.data);
    (void) fflush(stdout);
}

static void show_json(const char *event, const struct progress *p, json_t *more)
{
    AUTO_JSON *json = json_pack("{s:s, s:i, s:i, s:s}", "event", event, "index", (int) p->index,
                                "total", (int) p->total, "component", p->name);
    json_object_update_new(json, more);
    AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);
    (void) puts(text);
    (void) fflush(stdout);
}

static void show_step(struct progress *p)
{
    int64_t now = clock_monotonic_ms();
    if (p->mode == VIEW_LIVE) {
        show_live(p);
        return;
    }
    if (!p->text[0] || now - p->shown_ms < PLAIN_EVERY_MS)
        return;
    p->shown_ms = now;
    if (p->mode == VIEW_JSON)
        show_json("step", p, json_pack("{s:s}", "text", p->text));
    else
        (void) printf("[%2zu/%zu] %s: %s (%lld s)\n", p->index, p->total, p->name, p->text,
                      (long long) ((now - p->began_ms) / 1000));
    (void) fflush(stdout);
}

static void *repeat(void *userdata)
{
    struct progress *p = userdata;
    pthread_mutex_lock(&p->lock);
    while (!p->stopped) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LIVE_EVERY_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&p->stop, &p->lock, &until);
        if (!p->stopped && p->index)
            show_step(p);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void show_done(struct progress *p, const struct build_event *e)
{
    double seconds = (double) (clock_monotonic_ms() - p->began_ms) / 1000;
    p->fresh += e->fresh;
    p->size += e->size;
    if (p->mode == VIEW_JSON) {
        show_json("component", p,
                  json_pack("{s:b, s:f, s:I}", "built", e->fresh, "seconds", seconds, "bytes",
                            (json_int_t) e->size));
        return;
    }
    clear_live(p);
    if (e->fresh)
        (void) printf("[%2zu/%zu] %s: built in %.1f s, %.1f MB\n", e->index, e->total, e->name,
                      seconds, (double) e->size / MEGABYTE);
    else
        (void) printf("[%2zu/%zu] %s: from the cache, %.1f MB\n", e->index, e->total, e->name,
                      (double) e->size / MEGABYTE);
    (void) fflush(stdout);
}

static void show_delta(struct progress *p, const struct build_event *e)
{
    double seconds = (double) (clock_monotonic_ms() - p->began_ms) / 1000;
    p->deltas += e->size > 0;
    p->delta_size += e->size;
    if (p->mode == VIEW_JSON) {
        show_json("delta", p,
                  json_pack("{s:b, s:f, s:I}", "built", e->fresh, "seconds", seconds, "bytes",
                            (json_int_t) e->size));
        return;
    }
    clear_live(p);
    (void) printf("[%2zu/%zu] delta of %s: ", e->index, e->total, e->name);
    if (e->size == 0)
        (void) printf("not worth it\n");
    else if (e->fresh)
        (void) printf("made in %.1f s, %.2f MB\n", seconds, (double) e->size / MEGABYTE);
    else
        (void) printf("from the cache, %.2f MB\n", (double) e->size / MEGABYTE);
    (void) fflush(stdout);
}

static void begin(struct progress *p, const struct build_event *e)
{
    p->index = e->index;
    p->total = e->total;
    p->text[0] = '\0';
    (void) snprintf(p->name, sizeof(p->name), "%s%s", e->kind == BUILD_DELTA ? "delta of " : "",
                    e->name);
    p->began_ms = p->shown_ms = clock_monotonic_ms();
}

static void on_event(void *userdata, const struct build_event *e)
{
    struct progress *p = userdata;
    pthread_mutex_lock(&p->lock);
    if (e->kind == BUILD_WAITING && p->mode != VIEW_JSON) {
        (void) puts("waiting for another build to finish");
        (void) fflush(stdout);
    } else if (e->kind == BUILD_COMPONENT || e->kind == BUILD_DELTA) {
        begin(p, e);
    } else if (e->kind == BUILD_STEP) {
        STRBUF(safe, STEP_TEXT_MAX);
        strbuf_add_printable(&safe, e->text, strlen(e->text));
        (void) snprintf(p->text, sizeof(p->text), "%s", safe.data);
    } else if (e->kind == BUILD_DONE) {
        show_done(p, e);
        p->components = e->total;
        p->index = 0;
    } else if (e->kind == BUILD_DELTA_DONE) {
        show_delta(p, e);
        p->index = 0;
    }
    pthread_mutex_unlock(&p->lock);
}

static int build_shown(const struct build_options *build, struct progress *p, struct error *err)
{
    pthread_t thread;
    int r = -pthread_create(&thread, NULL, repeat, p);
    if (r < 0)
        return error_errno(err, r, "start a thread");
    r = build_bundle(build, err);
    pthread_mutex_lock(&p->lock);
    p->stopped = true;
    pthread_cond_signal(&p->stop);
    pthread_mutex_unlock(&p->lock);
    pthread_join(thread, NULL);
    clear_live(p);
    return r;
}

static int fail(int r, struct error *err)
{
    if (r == -ECANCELED || interrupted) {
        error_remedy(err, "run it again: it goes on where it was");
        return command_fail(EXIT_INTERRUPTED, err);
    }
    if (r == -EINVAL || r == -ENOENT)
        return command_fail(EXIT_BAD_INPUT, err);
    return command_fail(r == -ENOTEMPTY ? EXIT_REFUSED : EXIT_HOST_FAILED, err);
}

static void show_bundle(struct progress *p, const char *out, int64_t began, const char *key_id)
{
    double seconds = (double) (clock_monotonic_ms() - began) / 1000;
    if (p->mode == VIEW_JSON) {
        json_t *more = json_pack("{s:s, s:f}", "dir", out, "seconds", seconds);
        if (key_id)
            json_object_set_new(more, "signed_with", json_string(key_id));
        show_json("bundle", p, more);
        return;
    }
    (void) printf("bundle in %s: %zu components, %zu of them built now, in %.1f s\n", out,
                  p->components, p->fresh, seconds);
    if (p->deltas)
        (void) printf("%zu deltas, %.1f MB\n", p->deltas, (double) p->delta_size / MEGABYTE);
    if (key_id)
        (void) printf("signed with key %s\n", key_id);
}

static int build_and_sign(const struct build_options *build, const struct secret_key *key,
                          struct progress *p, struct error *err)
{
    char id[KEY_ID_TEXT];
    int64_t began = clock_monotonic_ms();
    int r = build_shown(build, p, err);
    if (r < 0 || (key && (r = bundle_sign(build->out_dir, key, err)) < 0))
        return r;
    if (key)
        key_id_text(key->public_key.id, id);
    show_bundle(p, build->out_dir, began, key ? id : NULL);
    return 0;
}

static void arguments_release(struct build_arguments *o)
{
    strv_release(&o->delta_from);
    strv_release(&o->next_keys);
    strv_release(&o->only);
}

static int run(int argc, char **argv)
{
    CLEANUP(arguments_release) struct build_arguments o = {0};
    STRV(recipes);
    STRV(only);
    if (command_parse(&cmd_bundle_build, argc, argv, &o, &recipes, 1, 1) != 0)
        return EXIT_BAD_INPUT;
    for (size_t i = 0; i < o.only.count; i++)
        strv_split(&only, o.only.items[i], ',');
    AUTO_FREE char *cache = path_cache_dir();
    AUTO_FREE char *out = o.out ? xstrdup(o.out) : path_join(cache, "bundle");
    struct progress p = {.mode = choose_mode(o.output),
                         .lock = PTHREAD_MUTEX_INITIALIZER,
                         .stop = PTHREAD_COND_INITIALIZER};
    AUTO_TRUSTED_KEYS next_keys = {0};
    const struct build_options build = {.recipe = recipes.items[0],
                                        .out_dir = out,
                                        .cache_dir = cache,
                                        .registry_config = o.registry_config,
                                        .delta_bases = &o.delta_from,
                                        .next_keys = &next_keys,
                                        .only = &only,
                                        .update_lock = o.update_lock,
                                        .cancel = &interrupted,
                                        .report = on_event,
                                        .userdata = &p};
    AUTO_SECRET_KEY key;
    struct error err = ERROR_INIT;
    int r;
    if (o.update_lock && only.count) {
        error_set(&err, -EINVAL, "--update-lock with --only would forget the other components");
        return command_fail(EXIT_BAD_INPUT, &err);
    }
    /* Before the long build: what is wrong with a key is better known now. */
    if (trusted_keys_load_all(&next_keys, &o.next_keys, &err) < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    if (o.sign && (r = signing_key_load(o.sign, &key, &err)) < 0)
        return command_fail(r == -ECANCELED ? EXIT_INTERRUPTED : EXIT_BAD_INPUT, &err);
    r = build_and_sign(&build, o.sign ? &key : NULL, &p, &err);
    return r < 0 ? fail(r, &err) : EXIT_DONE;
}

const struct command cmd_bundle_build = {
    .name = "bundle build",
    .synopsis = "RECIPE",
    .summary = "build a bundle from a recipe; goes on where it was interrupted",
    .options = options,
    .help =
        "Needs the package registries that the recipe names (Go modules, Debian), gcc and any Go.\n"
        "What was built is kept in the cache; the same recipe gives the same bytes.\n\n"
        "example: bigtop-bootstrap bundle build images/recipes/default.yaml -o ./bundle",
    .run = run,
};
