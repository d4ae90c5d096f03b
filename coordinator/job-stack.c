/* The profile of hosts.yaml: opened before any host is, handed off to once the cluster is there. */
#include "coordinator/job.h"
#include "coordinator/stack-apply.h"
#include "coordinator/stack-test.h"
#include "lib/clock.h"
#include "lib/path.h"

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

static void show(struct job *j, struct view *v)
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
    show(j, stack_tests_view(mode, &tests));
    return stack_tests_run(&j->stack, &tests, j->view);
}

int job_hand_off(struct job *j, const char *kubeconfig, enum view_mode mode)
{
    size_t changed = 0;
    if (!j->run.stack)
        return EXIT_DONE;
    j->stack.kubectl.kubeconfig = xstrdup(kubeconfig);
    show(j, stack_view(mode, &j->stack.stack));
    int code = stack_apply_and_tell(&j->stack, j->view, clock_monotonic_ms(), &changed);
    return code == EXIT_DONE && changed > 0 ? test(j, mode) : code;
}
