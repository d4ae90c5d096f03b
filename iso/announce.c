#include "iso/announce.h"

#include "iso/heard.h"
#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/path.h"
#include "lib/process.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SERVICES "/etc/avahi/services"
#define FILE_NAME "bigtop-host.service"
#define FILE_MAX (16 * 1024)
#define VALUE_MAX 4096
#define MACS_IN_TEXT 12 /* of 18 bytes, in a text of 255 */
#define START_TIMEOUT_MS 30000

/* None of the grammars lets through what means something in XML. */
static void add_text(struct strbuf *out, const char *key, const char *value)
{
    strbuf_addf(out, "  <txt-record>%s=%s</txt-record>\n", key, value);
}

static void add_macs(const struct iso_links *links, struct strbuf *out)
{
    STRV(macs);
    for (size_t i = 0; i < links->count; i++)
        if (links->items[i].kind == ISO_CARD && grammar_mac(links->items[i].mac))
            strv_add(&macs, links->items[i].mac);
    for (size_t from = 0; from < macs.count && from < ISO_HEARD_MACS_MAX; from += MACS_IN_TEXT) {
        STRBUF(list, VALUE_MAX);
        AUTO_FREE char *key = from == 0 ? xstrdup(ISO_SAYS_MAC)
                                        : xasprintf(ISO_SAYS_MAC "%zu", from / MACS_IN_TEXT + 1);
        for (size_t i = from; i < macs.count && i < from + MACS_IN_TEXT; i++)
            strbuf_addf(&list, "%s%s", i > from ? "," : "", macs.items[i]);
        add_text(out, key, list.data);
    }
}

void iso_announcement_file(const struct iso_announcement *a, struct strbuf *out)
{
    strbuf_addf(out,
                "<?xml version=\"1.0\" standalone='no'?>\n"
                "<!DOCTYPE service-group SYSTEM \"avahi-service.dtd\">\n"
                "<service-group>\n <name replace-wildcards=\"yes\">%%h</name>\n <service>\n"
                "  <type>" ISO_SERVICE "</type>\n  <port>%u</port>\n",
                a->port);
    add_macs(a->links, out);
    if (grammar_serial(a->serial))
        add_text(out, ISO_SAYS_SERIAL, a->serial);
    add_text(out, ISO_SAYS_KEY, a->fingerprint);
    if (a->image[0])
        add_text(out, ISO_SAYS_IMAGE, a->image);
    strbuf_adds(out, " </service>\n</service-group>\n");
}

char *iso_serial(const char *dir)
{
    STRBUF(text, VALUE_MAX);
    AUTO_FREE char *path = path_join(dir, "product_serial");
    if (file_read(path, &text, NULL) < 0)
        return xstrdup("");
    while (text.len > 0 && strchr(" \n", text.data[text.len - 1]))
        text.data[--text.len] = '\0';
    return xstrdup(grammar_serial(text.data) ? text.data : "");
}

int iso_announce_start(struct error *err)
{
    static const char *const restart[] = {"systemctl", "restart", "avahi-daemon.service", NULL};
    const struct process_options opts = {.timeout_ms = START_TIMEOUT_MS};
    return process_run(restart, &opts, NULL, err);
}

int iso_announce(const struct iso_announcement *a, struct error *err)
{
    STRBUF(text, FILE_MAX);
    int r;
    iso_announcement_file(a, &text);
    if (file_is(SERVICES "/" FILE_NAME, text.data, text.len, 0644) == 1)
        return 0;
    if ((r = path_mkdir_p(SERVICES, 0755, err)) < 0 ||
        (r = file_write_atomic(SERVICES "/" FILE_NAME, text.data, text.len, 0644, err)) < 0)
        return r;
    r = iso_announce_start(err);
    if (r < 0)
        (void) unlink(SERVICES "/" FILE_NAME); /* else it would pass as said */
    return r;
}
