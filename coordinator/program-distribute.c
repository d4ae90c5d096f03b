/* How a host comes to the blobs that its steps need: it says early what it wants, they flow beside
 * everything else, and a step waits for its own. */
#include "coordinator/addons.h"
#include "coordinator/command.h"
#include "coordinator/feed.h"
#include "coordinator/program.h"
#include "lib/clock.h"

#include <errno.h>
#include <string.h>

#define SLICE_MS 100
#define PATIENCE_MS (10 * 60 * 1000) /* while nothing arrives at any host */
#define MIB (1024.0 * 1024.0)
#define ANY (ROLE_CONTROL_PLANE | ROLE_WORKER)

/* In the order in which they are needed. */
enum need { NEED_FILES, NEED_IMAGES, NEED_MORE_IMAGES, NEED_ADDONS, NEED_COUNT };

static void add_blobs(const struct task *t, struct strv *out)
{
    for (size_t i = 0; i < t->blobs.count; i++)
        if (!strv_contains(out, t->blobs.items[i]))
            strv_add(out, t->blobs.items[i]);
}

static int add_addons(const struct host_run *h, struct strv *out, struct error *err)
{
    const struct bundle *b = h->run->bundle;
    int r = 0;
    for (size_t i = 0; i < b->component_count && r == 0; i++) {
        AUTO_TASK t = TASK_INIT;
        if (!(h->host->roles & ROLE_CONTROL_PLANE) || b->components[i].kind != COMPONENT_ADDON ||
            !addons_wants(h->run, &b->components[i]))
            continue;
        r = params_addon(h, &b->components[i], &t, err);
        add_blobs(&t, out);
    }
    return r;
}

static int add_need(const struct host_run *h, enum need need, struct strv *out, struct error *err)
{
    AUTO_TASK t = TASK_INIT;
    int r = need == NEED_ADDONS ? add_addons(h, out, err)
            : need == NEED_FILES
                ? params_unpack(h, &t, err)
                : params_import(h, need == NEED_IMAGES ? IMAGES_OF_KUBEADM : IMAGES_OF_ADDONS, &t,
                                err);
    add_blobs(&t, out);
    return r;
}

/* What the control plane starts with first, then what every node does, the addons last. */
static int order_blobs(struct run *run, struct strv *out, struct error *err)
{
    int r = 0;
    for (int from = NEED_FILES; from < NEED_COUNT; from += 2) {
        bool seen[(ROLE_CONTROL_PLANE | ROLE_WORKER) + 1] = {false};
        const struct host_run *h = run_control_plane(run);
        for (size_t i = 0; i <= run->inv->host_count && r == 0; h = &run->hosts[i++]) {
            for (int need = from; need < from + 2 && !seen[h->host->roles] && r == 0; need++)
                r = add_need(h, (enum need) need, out, err);
            seen[h->host->roles] = true;
        }
    }
    return r;
}

/* Under the run's lock. */
static int make_distribution(struct run *run, bool everybody, struct error *err)
{
    STRV(order);
    size_t n = run->inv->host_count;
    AUTO_FREE const char **addresses = xcalloc(n, sizeof(*addresses));
    for (size_t i = 0; i < n; i++) {
        const struct host_run *h = &run->hosts[i];
        if (h->host->state == STATE_PRESENT && h->facts.json && h->error.code == 0)
            addresses[i] = h->facts.node_ip;
    }
    int r = order_blobs(run, &order, err);
    if (r == 0)
        r = distribution_new(run->bundle, run->id, &order, addresses, n, &run->distribution, err);
    for (size_t i = 0; r == 0 && everybody && i < n; i++) {
        if (!addresses[i])
            continue;
        scatter_expect(run->distribution->scatter, i);
        distribution_open(run->distribution, i);
    }
    return r;
}

static void warn(void *userdata, const char *text)
{
    const struct host_run *h = userdata;
    view_warn(h->run->view, h->host, "%s", text);
}

/* everybody: all hosts do this now, whether they want something or only have it. */
static int begin(struct host_run *h, bool everybody, struct error *err)
{
    struct run *run = h->run;
    pthread_mutex_lock(&run->mutex);
    int r = run->distribution ? 0 : make_distribution(run, everybody, err);
    pthread_mutex_unlock(&run->mutex);
    if (r == 0)
        r = feed_new(run->distribution, h->index, warn, h, &h->feed, err);
    if (r == 0)
        session_set_beside(h->session, feed_beside(h->feed));
    return r;
}

static int want_everything(struct host_run *h, struct error *err)
{
    STRV(blobs);
    int r = 0;
    for (int need = NEED_FILES; need < NEED_COUNT && r == 0; need++)
        r = add_need(h, (enum need) need, &blobs, err);
    for (size_t i = 0; i < blobs.count; i++)
        feed_want(h->feed, blobs.items[i]);
    return r;
}

/* Nodes want what turns out not to be done, and have what the new ones want. */
int phase_offer(struct host_run *h, struct error *err)
{
    if (h->run->read_only || !program_somebody_is_new(h->run))
        return 0;
    int r = begin(h, true, err);
    return r < 0 || h->facts.role ? r : want_everything(h, err);
}

static void show(struct host_run *h, const char *what)
{
    struct scatter_share share = feed_share(h->feed);
    int64_t arrived = share.here - share.before;
    int64_t others = arrived > share.own ? arrived - share.own
                                         : 0; /* it may carry more than it wants */
    AUTO_FREE char *text = xasprintf("%s: %.1f MiB from here, %.1f MiB from other hosts", what,
                                     (double) share.own / MIB, (double) others / MIB);
    view_host(h->run->view, h->index, VIEW_WORKING, h->phase, text, share.here, share.wanted);
}

static bool has_all(const struct host_run *h, const struct strv *blobs)
{
    for (size_t i = 0; i < blobs->count; i++)
        if (!feed_has(h->feed, blobs->items[i]))
            return false;
    return true;
}

static int check_patience(struct host_run *h, int64_t since, struct error *err)
{
    int64_t moved = distribution_moved_ms(h->run->distribution);
    if (clock_monotonic_ms() - (moved > since ? moved : since) < PATIENCE_MS)
        return 0;
    error_set(err, -ETIMEDOUT, "nothing of the bundle arrived for %d minutes", PATIENCE_MS / 60000);
    return error_remedy(err, "look at its network and disk (journalctl -u bigtop-agent), then run "
                             "the same command again: it goes on where it was");
}

/* A slice of the wait for chunks, while which they flow. */
static int attend(struct host_run *h, const char *what, int64_t since, struct error *err)
{
    show(h, what);
    int r = feed_failure(h->feed, err);
    if (r == 0)
        r = check_patience(h, since, err);
    return r < 0 ? r : session_attend(h->session, SLICE_MS, err);
}

int program_fetch(struct host_run *h, const struct strv *blobs, struct error *err)
{
    int64_t since = clock_monotonic_ms();
    int r = blobs->count > 0 && !h->feed ? begin(h, false, err) : 0;
    for (size_t i = 0; i < blobs->count && r == 0; i++)
        feed_want(h->feed, blobs->items[i]);
    while (r == 0 && !has_all(h, blobs)) {
        r = attend(h, "fetching", since, err);
    }
    return r;
}

/* Nobody leaves as long as another may need what it has. */
int phase_distributed(struct host_run *h, struct error *err)
{
    int64_t since = clock_monotonic_ms();
    int r = 0;
    while (h->feed && r == 0 && !distribution_settled(h->run->distribution)) {
        r = attend(h, feed_has_all(h->feed) ? "passing it on" : "fetching", since, err);
        if (r < 0 && r != -ECANCELED && feed_has_all(h->feed)) {
            view_warn(h->run->view, h->host, "stopped passing the bundle on: %s", err->text);
            return 0; /* it has all that itself needs */
        }
    }
    return r;
}
/* --- stage --- */

static int phase_stage(struct host_run *h, struct error *err)
{
    int r = begin(h, true, err);
    if (r == 0)
        r = want_everything(h, err);
    if (r == 0)
        r = phase_distributed(h, err);
    if (h->feed) {
        struct scatter_share share = feed_share(h->feed);
        h->changed |= share.here > share.before;
    }
    return r;
}

static int phase_checked(struct host_run *h, struct error *err)
{
    return run_pass_gate(h, GATE_CHECKED, err);
}

static int phase_stand_by(struct host_run *h, struct error *err)
{
    int r = run_pass_gate(h, GATE_PROBED, err);
    return r < 0 ? r : run_pass_gate(h, GATE_CHECKED, err);
}

const struct phase *program_stage(const struct host_run *h)
{
    static const struct phase stages[] = {
        {"connect", ANY, phase_connect}, {"check", ANY, phase_check}, {"wait", ANY, phase_checked},
        {"bundle", ANY, phase_bundle},   {"stage", ANY, phase_stage}, {NULL, 0, NULL},
    };
    static const struct phase stands_by[] = {{"wait", ANY, phase_stand_by}, {NULL, 0, NULL}};
    return h->host->state == STATE_ABSENT ? stands_by : stages;
}
