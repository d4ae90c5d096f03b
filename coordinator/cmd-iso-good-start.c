#include "coordinator/command.h"
#include "iso/good-start.h"
#include "iso/installed.h"
#include "iso/restart.h"
#include "lib/clock.h"

#include <stdio.h>
#include <time.h>

#define LOOK_AGAIN_S 5

static enum good_start_verdict watch(void)
{
    struct good_start g = GOOD_START_INIT;
    enum good_start_verdict verdict = GOOD_START_WAIT;
    while (!interrupted && verdict == GOOD_START_WAIT) {
        bool node = good_start_is_node();
        verdict = good_start_look(&g, clock_monotonic_ms(), node, good_start_is_well(node));
        if (verdict == GOOD_START_WAIT)
            (void) nanosleep(&(struct timespec){.tv_sec = LOOK_AGAIN_S}, NULL);
    }
    return verdict;
}

/* A slot that has been good is not given up: what is wrong then is hardly in it. */
static int give_up(const struct installed *m, struct error *err)
{
    struct boot_env e;
    int r = installed_env(m, &e, err);
    if (r < 0)
        return r;
    if (e.slots[m->slot].good || !e.slots[1 - m->slot].good) {
        (void) printf("this start is not a good one; no other slot is known to be better\n");
        return 0;
    }
    (void) printf("slot %c has never started well, the other one has: starting again\n",
                  installed_slot_name(m->slot));
    (void) fflush(stdout);
    return machine_restart(err);
}

static int run(int argc, char **argv)
{
    STRV(none);
    struct installed m;
    struct error err = ERROR_INIT;
    if (command_parse(&cmd_iso_good_start, argc, argv, NULL, &none, 0, 0) != 0)
        return EXIT_BAD_INPUT;
    if (installed_read(&m, &err) < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    enum good_start_verdict verdict = watch();
    int r = 0;
    if (verdict == GOOD_START_GOOD) {
        r = installed_change(&m, boot_env_good, m.slot, &err);
        if (r == 0)
            (void) printf("a good start from slot %c\n", installed_slot_name(m.slot));
    } else if (verdict == GOOD_START_GIVE_UP) {
        r = give_up(&m, &err);
    }
    return r < 0 ? command_fail(EXIT_HOST_FAILED, &err) : EXIT_DONE;
}

const struct command cmd_iso_good_start = {
    .name = "iso good-start",
    .synopsis = "",
    .summary = "whether an installed machine has started well (it runs there by itself)",
    .help =
        "Waits until kubelet, or on a machine that is no node yet its SSH server, has answered\n"
        "for two minutes without a break, and has the boot loader know it.\n\n"
        "example: bigtop-bootstrap iso good-start",
    .run = run,
};
