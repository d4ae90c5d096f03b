#include "coordinator/command.h"
#include "coordinator/known-hosts.h"
#include "coordinator/rack.h"
#include "iso/announce.h"
#include "iso/cmdline.h"
#include "iso/consoles.h"
#include "iso/install.h"
#include "iso/installed.h"
#include "iso/links.h"
#include "iso/name.h"
#include "iso/screen.h"
#include "iso/site.h"
#include "lib/fd.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST_KEY "/run/bigtop/ssh/host_ed25519.pub"
#define LOOK_AGAIN_MS 3000 /* what tells nothing when it changes: the key, a name */
#define SSH_PORT 22
#define SCREEN_MAX (64 * 1024)
#define KEYS_MAX (256 * 1024)
#define STATUS_MAX (16 * 1024)

static bool read_fingerprint(char out[HOST_KEY_FINGERPRINT_SIZE])
{
    STRBUF(text, KEYS_MAX);
    STRV(words);
    if (file_read(HOST_KEY, &text, NULL) < 0)
        return false;
    strv_split(&words, text.data, ' ');
    if (words.count < 2)
        return false;
    words.items[1][strcspn(words.items[1], "\n")] = '\0';
    char type[HOST_KEY_TYPE_MAX];
    return host_key_describe(words.items[1], type, out);
}

/* What does not change while this is shown. */
struct host_facts {
    struct inventory inv; /* the image's own, or empty */
    struct strv keys;     /* lines of authorized_keys */
};

static void facts_release(struct host_facts *f)
{
    inventory_release(&f->inv);
    strv_release(&f->keys);
}

static int facts_read(struct host_facts *f, struct error *err)
{
    STRBUF(authorized, KEYS_MAX);
    int r = file_read("/" ISO_AUTHORIZED, &authorized, err);
    if (r == 0)
        strv_split(&f->keys, authorized.data, '\n');
    if (r == 0 && access("/" ISO_HOSTS, F_OK) == 0)
        r = inventory_load("/" ISO_HOSTS, &f->inv, err);
    return r;
}

static char *read_disk(void)
{
    struct installed m;
    if (installed_read(&m, NULL) < 0)
        return NULL;
    return xasprintf("its own disk, slot %c", installed_slot_name(m.slot));
}

/* Appends to `shown`; NULL when there is nothing of it. */
static const char *read_install(struct strbuf *shown)
{
    return file_read(INSTALL_STATUS, shown, NULL) == 0 ? shown->data : NULL;
}

/* Without it the host is waited for by its address all the same. */
static void announce(const struct iso_links *links, const char *fingerprint, struct strv *missing)
{
    struct error err = ERROR_INIT;
    AUTO_FREE char *serial = iso_serial(ISO_SYS_DMI);
    char image[ISO_NUMBER_LEN + 1] = ""; /* stays so on an installed machine */
    const struct iso_announcement a = {.links = links,
                                       .fingerprint = fingerprint,
                                       .serial = serial,
                                       .image = image,
                                       .port = SSH_PORT};
    (void) cmdline_image(ISO_CMDLINE, image, NULL);
    if (iso_announce(&a, &err) < 0)
        strv_addf(missing, "not announced in the network: %s", err.text);
}

/* 1: hosts.yaml has this machine as the coordinator. */
static int draw(const struct host_facts *f, struct strbuf *out, struct error *err)
{
    AUTO_ISO_LINKS links = {0};
    STRV(missing);
    char fingerprint[HOST_KEY_FINGERPRINT_SIZE], name[HOST_NAME_MAX + 1] = "";
    int r;
    if ((r = iso_links_read(ISO_SYS_NET, &links, err)) < 0)
        return r;
    const struct rack_place place = rack_find(&f->inv, &links);
    if (place.coordinator)
        return 1;
    if ((place.network.mac_count && (r = iso_network_take(&place.network, err)) < 0) ||
        (r = iso_links_address(&links, err)) < 0 ||
        (r = iso_name_take(&links, rack_name(place), err)) < 0)
        return r;
    rack_missing(&f->inv, &place, &links, &missing);
    STRBUF(install, STATUS_MAX);
    AUTO_FREE char *disk = read_disk();
    bool has_key = read_fingerprint(fingerprint);
    if (has_key)
        announce(&links, fingerprint, &missing);
    (void) gethostname(name, sizeof(name));
    const struct iso_screen screen = {.links = &links,
                                      .name = name,
                                      .fingerprint = has_key ? fingerprint : NULL,
                                      .keys = &f->keys,
                                      .missing = &missing,
                                      .disk = disk,
                                      .install = read_install(&install)};
    iso_screen_draw(&screen, out);
    return 0;
}

/* Until a card or an address changes, or it is time to look again. */
static void wait_for_change(int watch)
{
    char dropped[8192];
    struct pollfd p = {.fd = watch, .events = POLLIN};
    if (poll(&p, 1, LOOK_AGAIN_MS) > 0)
        while (recv(watch, dropped, sizeof(dropped), 0) > 0)
            ;
}

/* As draw. */
static int show(const struct iso_consoles *consoles, int watch, struct error *err)
{
    CLEANUP(facts_release) struct host_facts facts = {0};
    STRBUF(shown, SCREEN_MAX);
    int r = facts_read(&facts, err);
    if (r < 0)
        return r;
    while (!interrupted) {
        STRBUF(now, SCREEN_MAX);
        if ((r = draw(&facts, &now, err)) != 0)
            return r;
        if (strcmp(now.data, shown.data) != 0) {
            strbuf_reset(&shown);
            strbuf_adds(&shown, now.data);
            iso_consoles_show(consoles, now.data);
        }
        wait_for_change(watch);
    }
    return 0;
}

static int run(int argc, char **argv)
{
    STRV(none);
    if (command_parse(&cmd_iso_host, argc, argv, NULL, &none, 0, 0) != 0)
        return EXIT_BAD_INPUT;
    struct error err = ERROR_INIT;
    AUTO_ISO_CONSOLES consoles = {0};
    AUTO_FD watch = -1;
    if (iso_consoles_open(&consoles, &err) < 0 || iso_links_watch(&watch, &err) < 0)
        return command_fail(EXIT_HOST_FAILED, &err);
    int r = show(&consoles, watch, &err);
    if (r < 0)
        return command_fail(EXIT_HOST_FAILED, &err);
    iso_consoles_close(&consoles);
    return r == 1 ? cmd_iso_coordinator.run(argc, argv) : EXIT_DONE;
}

const struct command cmd_iso_host = {
    .name = "iso host",
    .synopsis = "",
    .summary = "what a machine that started from an image shows (it runs there by itself)",
    .help = "Shows on every console the machine's addresses, the fingerprint of its SSH host key\n"
            "and what is missing. Changes nothing but the machine's name in memory.\n\n"
            "example: bigtop-bootstrap iso host",
    .run = run,
};
