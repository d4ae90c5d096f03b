#include "agent/firewall.h"
#include "agent/units.h"
#include "lib/fd.h"
#include "lib/protocol.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <stdio.h>

#define SCRIPT_DIR AGENT_STATE_DIR "/firewall"
#define SCRIPT_MAX (4u << 20) /* bytes */
#define UNIT_TEXT_MAX 4096
/* What loads a host's own rules: Debian's, EL's and iptables-persistent's. */
#define LOADERS "nftables.service iptables.service netfilter-persistent.service"

static char *script_path(const struct firewall_kind *k)
{
    return xasprintf(SCRIPT_DIR "/%s", k->name);
}

static char *unit_name(const struct firewall_kind *k)
{
    return xasprintf("bigtop-firewall-%s.service", k->name);
}

/* No dash in front of ExecStart: a script that does not fit the chains any more is to be seen. */
static void render_unit(const char *loader, const char *script, struct strbuf *out)
{
    strbuf_addf(out,
                "[Unit]\n"
                "Description=Ports of the cluster in the packet filter (bigtop-bootstrap)\n"
                "After=" LOADERS "\n"
                "PartOf=" LOADERS "\n"
                "ReloadPropagatedFrom=" LOADERS "\n"
                "\n"
                "[Service]\n"
                "Type=oneshot\n"
                "RemainAfterExit=yes\n"
                "ExecStart=%s %s\n"
                "ExecReload=%s %s\n"
                "\n"
                "[Install]\n"
                "WantedBy=multi-user.target\n",
                loader, script, loader, script);
}

bool firewall_boot_stays(const struct firewall_kind *k, const struct openings *all)
{
    STRBUF(script, SCRIPT_MAX);
    AUTO_FREE char *path = script_path(k);
    AUTO_FREE char *unit = unit_name(k);
    k->script(all, &script);
    return file_is(path, script.data, script.len, 0600) == 1 && unit_is_enabled(unit);
}

static int write_both(const struct firewall_kind *k, struct ledger *l, const struct strbuf *script,
                      struct error *err)
{
    STRBUF(text, UNIT_TEXT_MAX);
    AUTO_FREE char *path = script_path(k);
    AUTO_FREE char *unit = unit_name(k);
    AUTO_FREE char *file = xasprintf("/etc/systemd/system/%s", unit);
    render_unit(k->loader, path, &text);
    int r = ledger_unit(l, unit, err);
    r = r < 0 ? r : ledger_mkdir(l, SCRIPT_DIR, 0700, err);
    r = r < 0 ? r : ledger_write_file(l, path, script->data, script->len, 0600, err);
    return r < 0 ? r : ledger_write_file(l, file, text.data, text.len, 0644, err);
}

/* Records and writes both, and has the script run now: that is what opens. */
static int run_now(const struct firewall_kind *k, struct ledger *l, const struct strbuf *script,
                   struct error *err)
{
    AUTO_FREE char *unit = unit_name(k);
    int r = write_both(k, l, script, err);
    r = r < 0 ? r : units_daemon_reload(err);
    r = r < 0 ? r : unit_enable(unit, err);
    r = r < 0 ? r : unit_restart(unit, UNIT_TIMEOUT_MS, err);
    return r < 0 ? error_remedy(err, "look at `journalctl -u %s` on the host", unit) : 0;
}

int firewall_boot_open(const struct firewall_kind *k, const struct step_context *ctx,
                       const struct openings *all, const bool *there, struct error *err)
{
    (void) there; /* the script has all of them, and would put some in twice */
    STRBUF(script, SCRIPT_MAX);
    k->script(all, &script);
    if (strbuf_full(&script))
        return error_set(err, -E2BIG, "more is to be opened than a script may hold");
    int r = k->close(k, all, err);
    return r < 0 ? r : run_now(k, ctx->ledger, &script, err);
}
