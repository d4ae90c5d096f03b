#include "coordinator/command.h"
#include "coordinator/find-hosts.h"
#include "coordinator/inventory.h"
#include "coordinator/named-keys.h"
#include "coordinator/rack.h"
#include "images/signature.h"
#include "iso/announce.h"
#include "iso/answers.h"
#include "iso/config-drive.h"
#include "iso/consoles.h"
#include "iso/links.h"
#include "iso/name.h"
#include "iso/relay.h"
#include "iso/site.h"
#include "lib/fd.h"
#include "lib/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONFIG "/run/bigtop/config"
#define BUNDLE "/run/bigtop/medium/bigtop/bundle"
#define HOSTS_NAME "hosts.yaml"
#define HOSTS_MAX (1024 * 1024)
#define LOOK_AGAIN_MS 3000
#define ANSWER_MAX 64

/* Which hosts.yaml this is about, and how it came here. */
struct errand {
    const struct iso_consoles *consoles;
    struct strv drives; /* that were seen last */
    char *hosts;        /* path; NULL: there is none */
    bool from_drive;
};

static void errand_release(struct errand *e)
{
    strv_release(&e->drives);
    free(e->hosts);
}

static void say(const struct errand *e, const char *text, const char *remedy)
{
    STRBUF(out, ERROR_TEXT_MAX + ERROR_REMEDY_MAX + 256);
    strbuf_adds(&out, "Bigtop coordinator\n\n  ");
    strbuf_add_printable(&out, text, strlen(text));
    strbuf_adds(&out, "\n  ");
    strbuf_add_printable(&out, remedy, strlen(remedy));
    strbuf_adds(&out, "\n");
    iso_consoles_show(e->consoles, out.data);
}

static bool same(const struct strv *a, const struct strv *b)
{
    AUTO_FREE char *one = strv_join(a, " ");
    AUTO_FREE char *other = strv_join(b, " ");
    return strcmp(one, other) == 0;
}

/* Until a drive comes or goes, or a person presses Enter. */
static void wait_for_person(const struct errand *e)
{
    while (!interrupted && !iso_relay_enter(e->consoles, LOOK_AGAIN_MS, NULL)) {
        STRV(now);
        if (iso_config_find(&now, NULL) == 0 && !same(&now, &e->drives))
            return;
    }
}

static int choose(struct errand *e, struct error *err)
{
    strv_release(&e->drives);
    e->drives = STRV_INIT;
    free(TAKE_PTR(e->hosts));
    e->from_drive = false;
    int r = iso_config_find(&e->drives, err);
    if (r < 0)
        return r;
    if (e->drives.count > 1) {
        AUTO_FREE char *names = strv_join(&e->drives, ", ");
        error_set(err, -EEXIST, "several drives are labelled " ISO_CONFIG_LABEL ": %s", names);
        return error_remedy(err, "take all of them out but one");
    }
    if (e->drives.count == 0 && access("/" ISO_HOSTS, F_OK) == 0) {
        e->hosts = xstrdup("/" ISO_HOSTS);
        return 0;
    }
    if (e->drives.count == 0) {
        error_set(err, -ENOENT,
                  "no drive is labelled " ISO_CONFIG_LABEL
                  ", and the image has no hosts.yaml of its own");
        return error_remedy(err, "plug in a drive with that label and a file hosts.yaml on it");
    }
    if (access(CONFIG, F_OK) == 0 && (r = path_remove_tree(CONFIG, err)) < 0)
        return r;
    if (iso_config_read(e->drives.items[0], CONFIG, err) < 0)
        return error_prefix(err, "the drive %s", e->drives.items[0]);
    e->hosts = xstrdup(CONFIG "/" HOSTS_NAME);
    e->from_drive = true;
    return 0;
}

/* 0: signed by one of the image's keys, or it has none. */
static int check_signature(const struct errand *e, struct error *err)
{
    CLEANUP(inventory_release) struct inventory nothing = INVENTORY_INIT;
    AUTO_TRUSTED_KEYS trusted = {0};
    STRV(none);
    STRBUF(text, HOSTS_MAX);
    STRBUF(signature, SIGNATURE_MAX);
    int r;
    if ((r = named_keys_load(&nothing, &none, &trusted, err)) < 0 ||
        (r = file_read(e->hosts, &text, err)) < 0)
        return r;
    if (trusted.count == 0)
        return 0;
    AUTO_FREE char *beside = xasprintf("%s.minisig", e->hosts);
    if (file_read(beside, &signature, NULL) < 0)
        return error_set(err, -EKEYREJECTED, "it has no signature (" HOSTS_NAME ".minisig)");
    return signature_check(signature.data, signature.len, text.data, text.len, &trusted, NULL, err);
}

/* The image says whose it is: what is not theirs needs a person who says so. */
static int need_consent(const struct errand *e, struct error *err)
{
    struct error why = ERROR_INIT;
    STRBUF(answer, ANSWER_MAX);
    int r = check_signature(e, &why);
    if (r == 0)
        return 0;
    if (r != -EKEYREJECTED) {
        *err = why;
        return r;
    }
    AUTO_FREE char *text = xasprintf("%s of the drive %s: %s", HOSTS_NAME, e->drives.items[0],
                                     why.text);
    say(e, text, "Type yes and Enter to use it all the same; anything else looks again.");
    while (!interrupted && !iso_relay_enter(e->consoles, LOOK_AGAIN_MS, &answer))
        ;
    return strcmp(answer.data, "yes") == 0 ? 0
                                           : error_set(err, -EKEYREJECTED, "%s: is not used", text);
}

/* As hosts.yaml has it, which may be another one than the image's. */
static int take_place(const struct inventory *inv, struct error *err)
{
    AUTO_ISO_LINKS links = {0};
    int r = iso_links_read(ISO_SYS_NET, &links, err);
    if (r < 0)
        return r;
    const struct rack_place place = rack_find(inv, &links);
    if ((r = iso_name_take(&links, rack_name(place), err)) < 0 || place.network.mac_count == 0)
        return r;
    return iso_network_take(&place.network, err);
}

/* Of this machine's network; nothing when all is as it should be. */
static char *own_troubles(const struct inventory *inv)
{
    AUTO_ISO_LINKS links = {0};
    STRV(missing);
    if (iso_links_read(ISO_SYS_NET, &links, NULL) < 0)
        return xstrdup("");
    const struct rack_place place = rack_find(inv, &links);
    rack_missing(inv, &place, &links, &missing);
    for (size_t i = 0; i < links.count; i++)
        if (!links.items[i].cable)
            strv_addf(&missing, "%s of this machine has no cable", links.items[i].name);
        else if (links.items[i].no_partner)
            strv_addf(&missing, "%s: the switch does not speak LACP (802.3ad) on its ports",
                      links.items[i].name);
    AUTO_FREE char *joined = strv_join(&missing, "; ");
    return missing.count ? xasprintf("; %s", joined) : xstrdup("");
}

/* 0: each has an address and takes connections. Else what is missing, safe to print, into *text. */
static int look(struct inventory *inv, char **text, struct error *err)
{
    AUTO_FREE struct iso_peer *peers = xcalloc(inv->host_count, sizeof(*peers));
    size_t count = 0;
    STRV(missing);
    STRV(found);
    int r = find_hosts(inv, 0, &interrupted, &found, err);
    if (r < 0) {
        *text = xstrdup(err->text);
        return r;
    }
    for (size_t i = 0; i < inv->host_count; i++)
        if (inv->hosts[i].state == STATE_PRESENT)
            peers[count++] = (struct iso_peer){inv->hosts[i].address, inv->hosts[i].port};
    iso_answers_missing(peers, count, LOOK_AGAIN_MS, &missing);
    if (missing.count == 0)
        return 0;
    AUTO_FREE char *names = strv_join(&missing, ", ");
    *text = xasprintf("Not answering yet: %s", names);
    return -EAGAIN;
}

/* Hosts are started one after the other: until each takes connections, or a person presses
 * Enter. */
static void wait_for_hosts(const struct errand *e, struct inventory *inv)
{
    AUTO_FREE char *shown = xstrdup("");
    while (!interrupted) {
        struct error err = ERROR_INIT;
        AUTO_FREE char *found = NULL;
        if (look(inv, &found, &err) == 0)
            return;
        AUTO_FREE char *own = own_troubles(inv);
        AUTO_FREE char *text = xasprintf("%s%s", found, own);
        if (strcmp(text, shown) != 0) {
            say(e, text, "It goes on when all of them are there. Enter: as it is.");
            free(shown);
            shown = TAKE_PTR(text);
        }
        if (iso_relay_enter(e->consoles, LOOK_AGAIN_MS, NULL))
            return;
    }
}

static int prepare(struct errand *e, struct error *err)
{
    CLEANUP(inventory_release) struct inventory inv = INVENTORY_INIT;
    int r;
    if ((r = choose(e, err)) < 0 || (e->from_drive && (r = need_consent(e, err)) < 0) ||
        (r = inventory_load(e->hosts, &inv, err)) < 0 || (r = take_place(&inv, err)) < 0 ||
        (find_hosts_needed(&inv) && (r = iso_announce_start(err)) < 0))
        return r;
    wait_for_hosts(e, &inv);
    return 0;
}

static int bootstrap(const struct errand *e, struct error *err)
{
    const char *const argv[] = {"/proc/self/exe", "apply", e->hosts, "--bundle", BUNDLE, NULL};
    int code;
    iso_consoles_show(e->consoles, "");
    int r = iso_relay(e->consoles, argv, &interrupted, &code, err);
    if (r < 0)
        return r;
    AUTO_FREE char *text =
        code == EXIT_DONE ? xstrdup("\r\nDone. Enter runs it again: it changes what differs.\r\n")
                          : xasprintf("\r\nEnded with code %d. Enter runs it again: it goes on "
                                      "where it was.\r\n",
                                      code);
    iso_consoles_add(e->consoles, text, strlen(text));
    return 0;
}

static int run(int argc, char **argv)
{
    STRV(none);
    if (command_parse(&cmd_iso_coordinator, argc, argv, NULL, &none, 0, 0) != 0)
        return EXIT_BAD_INPUT;
    struct error err = ERROR_INIT;
    AUTO_ISO_CONSOLES consoles = {0};
    CLEANUP(errand_release) struct errand e = {.consoles = &consoles};
    if (iso_consoles_open(&consoles, &err) < 0 ||
        iso_page_open(ISO_PAGE_PORT, &consoles.page, &err) < 0)
        return command_fail(EXIT_HOST_FAILED, &err);
    while (!interrupted) {
        err = ERROR_INIT;
        if (prepare(&e, &err) < 0 || bootstrap(&e, &err) < 0)
            say(&e, err.text, err.remedy[0] ? err.remedy : "Mend it, then press Enter.");
        wait_for_person(&e);
    }
    return EXIT_DONE;
}

const struct command cmd_iso_coordinator = {
    .name = "iso coordinator",
    .synopsis = "",
    .summary = "bootstrap from the image this machine started from (it runs there by itself)",
    .help =
        "Takes hosts.yaml from the one drive that is labelled " ISO_CONFIG_LABEL
        ", else from the image,\n"
        "and applies it with the image's bundle, on every console. When the image names keys, a\n"
        "drive's hosts.yaml is signed with one of them (hosts.yaml.minisig), or a person agrees.\n"
        "Whatever is missing or wrong is said, and waited for.\n\n"
        "example: bigtop-bootstrap iso coordinator",
    .run = run,
};
