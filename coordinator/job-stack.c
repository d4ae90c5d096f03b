/* The profile of hosts.yaml: opened before any host is, handed off to once the cluster is there,
 * and what plan says of it. */
#include "coordinator/job.h"
#include "coordinator/stack-apply.h"
#include "coordinator/stack-objects.h"
#include "coordinator/stack-plan.h"
#include "coordinator/stack-test.h"
#include "lib/clock.h"
#include "lib/path.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int job_open_stack(struct job *j, struct error *err)
{
    const char *profile = j->inv.profile;
    AUTO_FREE char *dir = path_dirname(j->inv.path);
    AUTO_FREE char *beside = profile ? path_join(dir, profile) : NULL;
    if (!profile)
        return 0;
    const struct stack_choice choice = {
        .bundle = &j->bundle,
        .profile = stack_is_file(profile) && profile[0] != '/' ? beside : profile,
        .cancel = &interrupted};
    int r = stack_work_open(&choice, &j->stack, err);
    return r < 0 ? error_prefix(err, "`profile: %s` of %s", profile, j->inv.path) : 0;
}

void job_show(struct job *j, struct view *v)
{
    view_close(&j->view);
    j->view = v;
    j->run.view = v;
}

static int test(struct job *j, enum view_mode mode)
{
    CLEANUP(stack_tests_release) struct stack_tests tests = STACK_TESTS_INIT;
    struct error err = ERROR_INIT;
    if (stack_tests_choose(&j->stack, &STRV_INIT, &tests, &err) < 0)
        return command_fail(EXIT_HOST_FAILED, &err);
    if (tests.count == 0)
        return EXIT_DONE;
    job_show(j, stack_tests_view(mode, &tests));
    return stack_tests_run(&j->stack, &tests, j->view);
}

/* A run that was cut before its tests had passed is made good by the next one. */
static bool is_tested(const struct job *j)
{
    AUTO_FREE char *tested = NULL;
    return stack_recall(&j->stack.kubectl, STACK_TESTED, &tested, NULL) == 0 && tested &&
           strcmp(tested, j->stack.profile) == 0;
}

static int test_once(struct job *j, bool changed, enum view_mode mode)
{
    const struct kubectl *k = &j->stack.kubectl;
    struct error err = ERROR_INIT;
    if (!changed && is_tested(j))
        return EXIT_DONE;
    if (stack_remember(k, STACK_TESTED, "", &err) < 0)
        return command_fail(EXIT_HOST_FAILED, &err);
    int code = test(j, mode);
    if (code == EXIT_DONE && stack_remember(k, STACK_TESTED, j->stack.profile, &err) < 0)
        return command_fail(EXIT_HOST_FAILED, &err);
    return code;
}

static int plan(struct job *j, const char *kubeconfig, struct strv *lines, struct strv *gone,
                struct error *err)
{
    int r = -EHOSTUNREACH;
    if (access(kubeconfig, R_OK) == 0) {
        j->stack.kubectl.kubeconfig = xstrdup(kubeconfig);
        r = stack_plan(&j->stack, lines, gone, err);
    }
    if (r == -EHOSTUNREACH)
        stack_plan_new(&j->stack, lines);
    return r == -EHOSTUNREACH ? 0 : r;
}

size_t job_plan_stack(struct job *j, const char *kubeconfig)
{
    struct error err = ERROR_INIT;
    STRV(lines);
    STRV(gone);
    if (!j->run.stack)
        return 0;
    if (plan(j, kubeconfig, &lines, &gone, &err) < 0)
        view_warn(j->view, NULL, "the stack cannot be compared with the cluster: %s", err.text);
    for (size_t i = 0; i < lines.count; i++)
        view_note(j->view, NULL, "%s", lines.items[i]);
    stack_tell_gone(&j->stack, &gone, j->view);
    return lines.count;
}

int job_hand_off(struct job *j, const char *kubeconfig, enum view_mode mode)
{
    size_t changed = 0;
    if (!j->run.stack)
        return EXIT_DONE;
    j->stack.kubectl.kubeconfig = xstrdup(kubeconfig);
    job_show(j, stack_view(mode, &j->stack.stack));
    int code = stack_apply_and_tell(&j->stack, j->view, clock_monotonic_ms(), &changed);
    return code == EXIT_DONE ? test_once(j, changed > 0, mode) : code;
}
