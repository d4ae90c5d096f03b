#include "agent/kubeadm.h"

#include "agent/etcd.h"
#include "agent/program.h"
#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/path.h"
#include "lib/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define KUBECONFIG_MAX (32 * 1024) /* bytes */

#define TOKEN_ID_LEN 6
#define TOKEN_LEN (6 + 1 + 16)
#define CERTIFICATE_KEY_LEN 64
#define CERTS_TIMEOUT_MS 60000
#define RESET_TIMEOUT_MS 180000
#define VERSION_TIMEOUT_MS 20000
#define PEM_MAX (64 * 1024)

/* How many lines with a "[phase]" an init or a join prints, about: for the bar, no more. */
#define INIT_LINES 45
#define JOIN_LINES 10

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_token(const char *text)
{
    for (int i = 0; i < TOKEN_LEN; i++) {
        if (i == TOKEN_ID_LEN ? text[i] != '.' : !is_token_char(text[i])) {
            return false;
        }
    }
    return true;
}

/* "sha256:…" is of the CA, and no secret. */
static bool is_certificate_key(const char *text, const char *at)
{
    static const char algorithm[] = "sha256:";
    size_t before = strlen(algorithm);
    return strspn(at, "0123456789abcdef") >= CERTIFICATE_KEY_LEN &&
           ((size_t) (at - text) < before || strncmp(at - before, algorithm, before) != 0);
}

void kubeadm_redact(char *text)
{
    for (char *p = text; *p; p++) {
        size_t secret = is_token(p)                   ? TOKEN_LEN
                        : is_certificate_key(text, p) ? CERTIFICATE_KEY_LEN
                                                      : 0;
        memset(p, '*', secret);
        p += secret > 0 ? secret - 1 : 0;
    }
}

const char *kubeadm_progress_line(const char *line)
{
    if (line[0] != '[' || strncmp(line, "[preflight] ", 12) == 0) {
        return NULL;
    }
    const char *end = strchr(line, ']');
    return end && end[1] == ' ' && end[2] ? line : NULL;
}

struct follower {
    const struct step_context *ctx;
    int64_t done, total;
};

static void on_line(void *userdata, bool is_stderr, const char *line)
{
    struct follower *f = userdata;
    const char *text = is_stderr ? NULL : kubeadm_progress_line(line);
    if (text) {
        AUTO_FREE char *clean = xstrdup(text);
        kubeadm_redact(clean);
        f->done += f->done < f->total;
        step_progress(f->ctx, f->done, f->total, "%s", clean);
    }
}

/* kubeadm's SystemVerification fails when no kernel configuration can be read at all (containers
 * and appliance kernels): it then knows nothing. Modules, cgroup controllers and the rest were
 * probed by our preflight. Where a configuration is there, it is believed. The places:
 * k8s.io/system-validators, kernel_validator.go. */
static bool kernel_config_readable(void)
{
    static const char *const places[] = {
        "/boot/config-%s",
        "/usr/src/linux-%s/.config",
        "/usr/lib/modules/%s/config",
        "/lib/modules/%s/config",
        "/usr/lib/ostree-boot/config-%s",
        "/usr/lib/kernel/config-%s",
        "/usr/src/linux-headers-%s/.config",
        "/lib/modules/%s/build/.config",
    };
    if (access("/proc/config.gz", R_OK) == 0) {
        return true;
    }
    struct utsname name;
    uname(&name);
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        STRBUF(path, 4096);
        const char *mark = strstr(places[i], "%s");
        strbuf_add(&path, places[i], (size_t) (mark - places[i]));
        strbuf_adds(&path, name.release);
        strbuf_adds(&path, mark + 2);
        if (access(path.data, R_OK) == 0) {
            return true;
        }
    }
    return false;
}

static void forget_file(char **path)
{
    unlink(*path);
    free(*path);
}

static int run(const struct step_context *ctx, const struct strv *argv, int64_t lines,
               int timeout_ms, struct error *err)
{
    struct follower follower = {.ctx = ctx, .total = lines};
    struct process_options options = program_options(ctx->cancel, timeout_ms);
    options.on_line = on_line;
    options.userdata = &follower;
    int r = process_runv(argv, &options, NULL, err);
    if (r < 0 && err) {
        kubeadm_redact(err->text);
    }
    return r;
}

/* The arguments in argv, and --config with a file that lives as long as the program. */
static int run_with_config(const struct step_context *ctx, struct strv *argv, const char *config,
                           int64_t lines, int timeout_ms, struct error *err)
{
    char suffix[17];
    random_hex(suffix, sizeof(suffix) - 1);
    CLEANUP(forget_file) char *path = xasprintf(AGENT_RUN_DIR "/kubeadm-%s.yaml", suffix);
    int r = file_write_atomic(path, config, strlen(config), 0600, err);
    strv_addf(argv, "--config=%s", path);
    return r < 0 ? r : run(ctx, argv, lines, timeout_ms, err);
}

int kubeadm_run(const struct step_context *ctx, const char *verb, const char *config,
                const char *const extra[], struct error *err)
{
    STRV(argv);
    strv_add(&argv, PROGRAM_KUBEADM);
    strv_add(&argv, verb);
    if (!kernel_config_readable()) {
        strv_add(&argv, "--ignore-preflight-errors=SystemVerification");
    }
    strv_add_all(&argv, extra);
    bool init = strcmp(verb, "init") == 0;
    return run_with_config(ctx, &argv, config, init ? INIT_LINES : JOIN_LINES, KUBEADM_TIMEOUT_MS,
                           err);
}

int kubeadm_upload_certs(const struct step_context *ctx, const char *config, struct error *err)
{
    static const char *const words[] = {PROGRAM_KUBEADM,
                                        "init",
                                        "phase",
                                        "upload-certs",
                                        "--upload-certs",
                                        "--skip-certificate-key-print",
                                        NULL};
    STRV(argv);
    strv_add_all(&argv, words);
    return run_with_config(ctx, &argv, config, 0, CERTS_TIMEOUT_MS, err);
}

int kubeadm_reset(const struct step_context *ctx, struct error *err)
{
    STRV(argv);
    strv_add(&argv, PROGRAM_KUBEADM);
    strv_add(&argv, "reset");
    strv_add(&argv, "--force");
    /* Who leaves etcd is decided where its quorum is known (step-members.c, step-remove.c). */
    strv_add(&argv, "--skip-phases=remove-etcd-member");
    strv_add(&argv, "--cri-socket=unix:///run/containerd/containerd.sock");
    step_progress(ctx, 0, 0, "clearing away an attempt that did not come to its end");
    int r = run(ctx, &argv, 0, RESET_TIMEOUT_MS, err);
    r = r < 0 ? r : path_remove_tree(ETCD_DATA, err);
    return r == -ENOENT ? 0 : r;
}

int kubeadm_version(char out[32], struct error *err)
{
    const char *const argv[] = {PROGRAM_KUBEADM, "version", "-o", "short", NULL};
    STRBUF(text, 256);
    struct process_options options = program_options(NULL, VERSION_TIMEOUT_MS);
    options.out = &text;
    int r = process_run(argv, &options, NULL, err);
    if (r < 0) {
        return r;
    }
    text.data[strcspn(text.data, "\n")] = '\0';
    snprintf(out, 32, "%s", text.data);
    return 0;
}

int kubeadm_ca_hash(char out[DIGEST_SIZE], struct error *err)
{
    if (access(CA_CERT, F_OK) < 0) {
        return error_errno(err, -errno, "%s", CA_CERT);
    }
    STRBUF(pem, PEM_MAX);
    int r = file_read(CA_CERT, &pem, err);
    return r < 0 ? r : digest_cert_spki(pem.data, pem.len, out, err);
}

int kubeadm_need_params(const json_t *params, const char **config, const char **node,
                        struct error *err)
{
    int r = json_need_string(params, "config", config, err);
    r = r < 0 ? r : json_need_string(params, "node", node, err);
    if (r == 0 && !grammar_node_name(*node)) {
        return error_set(err, -EINVAL, "node: not a node's name");
    }
    return r;
}

int kubeadm_admin_access(json_t *result, struct error *err)
{
    char hash[DIGEST_SIZE];
    STRBUF(kubeconfig, KUBECONFIG_MAX);
    int r = kubeadm_ca_hash(hash, err);
    r = r < 0 ? r : file_read(ADMIN_CONF, &kubeconfig, err);
    if (r == 0) {
        json_object_set_new(result, "ca_hash", json_string(hash));
        json_object_set_new(result, "kubeconfig", json_string(kubeconfig.data));
    }
    strbuf_release_secret(&kubeconfig);
    return r;
}

int kubeadm_remember_node(const struct step_context *ctx, const char *role, const char *node,
                          struct error *err)
{
    char version[32], hash[DIGEST_SIZE];
    int r = kubeadm_version(version, err);
    r = r < 0 ? r : kubeadm_ca_hash(hash, err);
    r = r < 0 ? r : ledger_set(ctx->ledger, "kubernetes", version, err);
    r = r < 0 ? r : ledger_set(ctx->ledger, "cluster", hash, err);
    r = r < 0 ? r : ledger_set(ctx->ledger, "node", node, err);
    r = r < 0 ? r : ledger_set(ctx->ledger, LEDGER_LEAVING, "no", err);
    return r < 0 ? r : ledger_set(ctx->ledger, "role", role, err);
}

bool kubeadm_config_has_hash(const char *config, const char *hash, bool *any)
{
    bool found = false, same = false;
    for (const char *p = config; (p = strstr(p, "sha256:")); p++) {
        AUTO_FREE char *candidate = xstrndup(p, DIGEST_LEN);
        if (digest_is_valid(candidate)) {
            found = true;
            same |= strcmp(candidate, hash) == 0;
        }
    }
    if (any) {
        *any = found;
    }
    return same;
}
