#include "coordinator/host-key.h"

#include "coordinator/known-hosts.h"
#include "coordinator/tty.h"
#include "lib/grammar.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define ANSWER_MAX 256

static const char *const types_best_first[] = {
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"};

void host_key_type_algorithms(const char *type, struct strbuf *out)
{
    if (out->len)
        strbuf_addc(out, ',');
    strbuf_adds(out, strcmp(type, "ssh-rsa") == 0 ? "rsa-sha2-512,rsa-sha2-256" : type);
}

static int preferred_types(const struct ssh_target *t, struct strv *types, struct error *err)
{
    const char *files[] = {t->known_hosts, KNOWN_HOSTS_GLOBAL, NULL};

    if (!t->host_key)
        return known_hosts_types(files, t->address, t->port, types, err);
    if (!grammar_fingerprint(t->host_key)) {
        AUTO_FREE char *type = xstrndup(t->host_key, strcspn(t->host_key, " \t"));
        strv_add(types, type);
    }
    return 0;
}

int host_key_algorithms(const struct ssh_target *target, struct strbuf *out, struct error *err)
{
    STRV(preferred);
    int r = preferred_types(target, &preferred, err);

    if (r < 0)
        return r;
    for (int known = 1; known >= 0; known--)
        for (size_t i = 0; i < ARRAY_SIZE(types_best_first); i++)
            if (strv_contains(&preferred, types_best_first[i]) == known)
                host_key_type_algorithms(types_best_first[i], out);
    return 0;
}

/* "ED25519", as ssh calls it. */
static const char *short_type(const char *type)
{
    if (strcmp(type, "ssh-ed25519") == 0)
        return "ED25519";
    if (strncmp(type, "ecdsa-", 6) == 0)
        return "ECDSA";
    return strcmp(type, "ssh-rsa") == 0 ? "RSA" : type;
}

struct offered {
    const char *base64;
    char type[HOST_KEY_TYPE_MAX];
    char fingerprint[HOST_KEY_FINGERPRINT_SIZE];
};

static int refuse_pin(const struct ssh_target *t, const struct offered *key, struct error *err)
{
    char type[HOST_KEY_TYPE_MAX], fingerprint[HOST_KEY_FINGERPRINT_SIZE];
    const char *wanted = t->host_key;
    const char *blob = strpbrk(wanted, " \t");

    if (blob) {
        AUTO_FREE char *base64 = xstrdup(blob + strspn(blob, " \t"));
        base64[strcspn(base64, " \t")] = '\0';
        wanted = host_key_describe(base64, type, fingerprint) ? fingerprint : "not a valid key";
    }
    error_set(err, -EKEYREJECTED,
              "host key of %s port %u is not the pinned one: it shows %s key %s, host_key: in "
              "hosts.yaml says %s; nothing was sent to it",
              t->address, t->port, short_type(key->type), key->fingerprint, wanted);
    return error_remedy(err,
                        "someone may be listening in; if the host was reinstalled, compare the "
                        "fingerprint on its console and correct host_key:");
}

static int refuse_changed(const struct ssh_target *t, const struct offered *key,
                          const struct known_hosts_result *known, struct error *err)
{
    AUTO_FREE char *name = known_hosts_name(t->address, t->port);

    error_set(err, -EKEYREJECTED,
              "host key of %s port %u has CHANGED: it shows %s key %s, %s:%u says %s key %s; "
              "nothing was sent to it",
              t->address, t->port, short_type(key->type), key->fingerprint, known->file,
              known->line, short_type(known->type), known->fingerprint);
    return error_remedy(err,
                        "someone may be listening in; if the host was reinstalled, compare the "
                        "fingerprint on its console, then: ssh-keygen -f '%s' -R '%s'",
                        known->file, name);
}

static int refuse_revoked(const struct ssh_target *t, const struct offered *key,
                          const struct known_hosts_result *known, struct error *err)
{
    error_set(err, -EKEYREJECTED,
              "host key of %s port %u is revoked: %s key %s, marked @revoked in %s:%u; nothing was "
              "sent to it",
              t->address, t->port, short_type(key->type), key->fingerprint, known->file,
              known->line);
    return error_remedy(err, "give the host a new key, or use another host");
}

static int refuse_unknown(const struct ssh_target *t, const struct offered *key, bool authority,
                          struct error *err)
{
    error_set(err, -ENOKEY, "host key of %s port %u is unknown: %s key %s%s", t->address, t->port,
              short_type(key->type), key->fingerprint,
              authority
                  ? " (its @cert-authority line does not help: host certificates are not used)"
                  : "");
    return error_remedy(err,
                        "compare the fingerprint on the host's console, then pin it in "
                        "hosts.yaml (host_key: \"%s\"), or: ssh-keyscan -p %u %s >> %s",
                        key->fingerprint, t->port, t->address, t->known_hosts);
}

static int accept_key(const struct ssh_target *t, const struct offered *key)
{
    /* As ssh: a known_hosts that cannot be written means a question again next time, no more. */
    (void) known_hosts_add(t->known_hosts, t->address, t->port, key->base64, NULL);
    return 0;
}

static int ask_user(const struct ssh_target *t, const struct offered *key, struct error *err)
{
    AUTO_FREE char *name = known_hosts_name(t->address, t->port);
    AUTO_FREE char *question =
        xasprintf("The authenticity of host '%s' can't be established.\n%s key fingerprint is %s.\n"
                  "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
                  name, short_type(key->type), key->fingerprint);
    const char *text = question;

    for (;;) {
        STRBUF(answer, ANSWER_MAX);
        int r = tty_ask(text, false, t->cancel, &answer, err);
        if (r < 0)
            return r;
        if (strcasecmp(answer.data, "yes") == 0 || strcmp(answer.data, key->fingerprint) == 0)
            return accept_key(t, key);
        if (strcasecmp(answer.data, "no") == 0)
            return error_set(err, -ENOKEY, "host key of %s port %u was not accepted", t->address,
                             t->port);
        text = "Please type 'yes', 'no' or the fingerprint: ";
    }
}

int host_key_verify(const struct ssh_target *target, const char *key_base64, struct error *err)
{
    const char *files[] = {target->known_hosts, KNOWN_HOSTS_GLOBAL, NULL};
    struct offered key = {.base64 = key_base64};
    struct known_hosts_result known;

    if (!host_key_describe(key_base64, key.type, key.fingerprint))
        return error_set(err, -EKEYREJECTED, "host key of %s port %u is malformed", target->address,
                         target->port);
    int r = known_hosts_check(files, target->address, target->port, key_base64, &known, err);
    if (r < 0)
        return r;
    if (known.verdict == KNOWN_HOST_REVOKED)
        return refuse_revoked(target, &key, &known, err);
    if (target->host_key)
        return host_key_matches_pin(target->host_key, key_base64) ? 0
                                                                  : refuse_pin(target, &key, err);
    if (known.verdict == KNOWN_HOST_MATCH)
        return 0;
    if (known.verdict != KNOWN_HOST_UNKNOWN)
        return refuse_changed(target, &key, &known, err);
    if (target->never_ask || !tty_available())
        return refuse_unknown(target, &key, known.authority, err);
    return ask_user(target, &key, err);
}
