#include "coordinator/command.h"
#include "coordinator/inventory.h"
#include "coordinator/rack.h"
#include "iso/install.h"
#include "iso/links.h"
#include "iso/restart.h"
#include "iso/site.h"
#include "lib/clock.h"
#include "lib/fd.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CARDS_TIMEOUT_MS 30000 /* drivers of cards are loaded while this runs */
#define AGAIN_S 10             /* a disk may be plugged in, or let go */
#define READ_S 5               /* for whoever stands before the console */
#define STATUS_MAX 4096

/* What is to be seen of it: on the consoles (cmd-iso-host.c) and in the journal. */
static void show(void *userdata, const char *text)
{
    (void) userdata;
    (void) printf("%s\n", text);
    (void) fflush(stdout);
    (void) file_write_atomic(INSTALL_STATUS, text, strlen(text), 0644, NULL);
}

static bool anybody_installs(const struct inventory *inv)
{
    for (size_t i = 0; i < inv->host_count; i++)
        if (inv->hosts[i].install_disk)
            return true;
    return false;
}

static void wait_s(unsigned seconds)
{
    for (unsigned i = 0; i < seconds && !interrupted; i++)
        (void) sleep(1);
}

/* Who this machine is, as soon as one of its cards says so; NULL: hosts.yaml does not know it. */
static int find_host(const struct inventory *inv, const struct host **out, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + CARDS_TIMEOUT_MS;
    struct rack_place place = {0};
    while (!interrupted) {
        AUTO_ISO_LINKS links = {0};
        int r = iso_links_read(ISO_SYS_NET, &links, err);
        if (r < 0)
            return r;
        place = rack_find(inv, &links);
        if (place.host || place.coordinator || clock_left_ms(deadline) == 0)
            break;
        wait_s(1);
    }
    *out = place.host;
    return 0;
}

static void show_refusal(const struct error *err)
{
    STRBUF(text, STATUS_MAX);
    strbuf_addf(&text, "Not installed: %s", err->text);
    if (err->remedy[0])
        strbuf_addf(&text, "\n  remedy: %s", err->remedy);
    show(NULL, text.data);
}

static int start_from_disk(const char *disk, struct error *err)
{
    AUTO_FREE char *text = xasprintf("Installed to %s: starting from there", disk);
    show(NULL, text);
    wait_s(READ_S);
    return machine_restart(err);
}

/* It goes on until it is done, or somebody takes the medium out: a machine that is to be installed
 * is nothing else meanwhile. */
static int install(const struct host *h, struct error *err)
{
    const struct install how = {
        .disk = h->install_disk, .wipe = h->install_wipe, .cancel = &interrupted, .progress = show};
    while (!interrupted) {
        STRBUF(disk, STATUS_MAX);
        *err = ERROR_INIT;
        int r = install_run(&how, &disk, err);
        if (r == INSTALL_NOW)
            return start_from_disk(disk.data, err);
        if (r == INSTALL_WAS_THERE) {
            AUTO_FREE char *text = xasprintf("Installed already, on %s: take the medium out and "
                                             "restart",
                                             disk.data);
            show(NULL, text);
        } else {
            show_refusal(err);
        }
        wait_s(AGAIN_S);
    }
    return 0;
}

static int run(int argc, char **argv)
{
    STRV(none);
    if (command_parse(&cmd_iso_install, argc, argv, NULL, &none, 0, 0) != 0)
        return EXIT_BAD_INPUT;
    CLEANUP(inventory_release) struct inventory inv = INVENTORY_INIT;
    const struct host *host = NULL;
    struct error err = ERROR_INIT;
    if (inventory_load("/" ISO_HOSTS, &inv, &err) < 0)
        return command_fail(EXIT_BAD_INPUT, &err);
    if (!anybody_installs(&inv))
        return EXIT_DONE;
    int r = find_host(&inv, &host, &err);
    if (r == 0 && host && host->install_disk)
        r = install(host, &err);
    return r < 0 ? command_fail(EXIT_HOST_FAILED, &err) : EXIT_DONE;
}

const struct command cmd_iso_install = {
    .name = "iso install",
    .synopsis = "",
    .summary = "installs a machine to the disk that hosts.yaml names (it runs there by itself)",
    .help = "On a machine that started from an image with a hosts.yaml, whose host with this\n"
            "machine's card has `install`: the medium goes to that disk, and the machine starts\n"
            "from there. No other disk is changed, and this one only when it is empty, or `wipe`\n"
            "names it too.\n\n"
            "example: bigtop-bootstrap iso install",
    .run = run,
};
