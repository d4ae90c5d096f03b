#include "images/launcher/launcher.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool stop;

/* Process 1 of a container is ended by no signal that it does not handle. The program that it
 * becomes has the default again. */
static void on_signal(int number)
{
    (void) number;
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
}

static int run(int argc, char **argv, struct error *err)
{
    const struct launcher l = {.sys = "/sys", .words = argv + (argc > 1 ? 2 : argc), .stop = &stop};
    int r = launch_check_user(geteuid(), err);
    if (r < 0)
        return r;
    /* What is still in a buffer would be lost with exec. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    if (argc > 1 && strcmp(argv[1], "probe") == 0)
        return launch_probe(argv + 2, err);
    return launch(&l, argc > 1 ? argv[1] : LAUNCH_FILE, err);
}

int main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    int r = run(argc, argv, &err);
    if (r < 0)
        fprintf(stderr, "launch: %s\n", err.text);
    return r < 0;
}
