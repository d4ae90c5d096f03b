#include "coordinator/ssh.h"

#include "coordinator/dial.h"
#include "coordinator/host-key.h"
#include "coordinator/known-hosts.h"
#include "coordinator/tty.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/grammar.h"
#include "lib/path.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <errno.h>
#include <libssh/libssh.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SLICE_MS 200
#define STALL_MS 60000            /* a peer that takes nothing for so long is gone */
#define WRITE_PIECE (64UL * 1024) /* what libssh gets at once: it buffers all of it */
#define CLOSE_MS 3000
#define COMMAND_MS 30000
#define AUTH_ROUNDS_MAX 4 /* "publickey,password" on the server is two rounds */
#define KBDINT_ROUNDS_MAX 4
#define PASSPHRASE_MAX 1024
#define TEXT_MAX 512
#define METHODS_MAX 64

/* The quick ones first: AES-GCM runs at memory speed wherever the CPU has AES. */
#define CIPHERS \
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com," \
    "aes128-ctr,aes256-ctr"

struct ssh {
    ssh_session session;
    ssh_channel channel;
    const bool *cancel;
    char *name; /* "user@address port N" */
};

/* What a login needs beside the connection. */
struct login {
    struct ssh *ssh;
    const struct ssh_target *target;
    int64_t deadline;
    struct strv tried;
    bool password_used; /* one try: a second one may lock the account */
};

static bool cancelled(const struct ssh *ssh)
{
    return ssh->cancel && *ssh->cancel;
}

/* libssh's own words about what failed last, made printable. The server has a part in them. */
static const char *reason(const struct ssh *ssh, char out[TEXT_MAX])
{
    STRBUF(text, TEXT_MAX - 1);
    const char *raw = ssh_get_error(ssh->session);

    strbuf_add_printable(&text, raw, strnlen(raw, TEXT_MAX / 4));
    snprintf(out, TEXT_MAX, "%s", text.len ? text.data : "no reason given");
    return out;
}

static int link_error(const struct ssh *ssh, struct error *err)
{
    char text[TEXT_MAX];

    return error_set(err, -EPIPE, "connection to %s lost: %s", ssh->name, reason(ssh, text));
}

/* Waits until the socket has something to do, at most until the deadline. 0 also after a slice
 * without news: the caller asks libssh again. */
static int wait_socket(const struct ssh *ssh, int64_t deadline)
{
    int left = clock_left_ms(deadline);
    struct pollfd p = {.fd = ssh_get_fd(ssh->session), .events = POLLIN};

    if (cancelled(ssh))
        return -ECANCELED;
    if (left == 0)
        return -ETIMEDOUT;
    if (ssh_get_poll_flags(ssh->session) & SSH_WRITE_PENDING)
        p.events |= POLLOUT;
    (void) poll(&p, 1, left < SLICE_MS ? left : SLICE_MS);
    return 0;
}

/* Repeats a call of libssh's non-blocking mode until it is done; on a time-out or cancel its value
 * stays `again`. */
#define DRIVE(ssh, deadline, again, call) \
    ({ \
        int result_; \
        while ((result_ = (call)) == (again) && wait_socket(ssh, deadline) == 0) \
            ; \
        result_; \
    })

/* After DRIVE gave up. */
static int gave_up(const struct ssh *ssh, const char *what, struct error *err)
{
    if (cancelled(ssh))
        return error_set(err, -ECANCELED, "%s: interrupted", ssh->name);
    error_set(err, -ETIMEDOUT, "%s: no answer in time to %s", ssh->name, what);
    error_remedy(err, "check the host's load and the network; is it sshd that listens there?");
    return -ETIMEDOUT;
}

void ssh_close(struct ssh **ssh)
{
    struct ssh *s = *ssh;

    *ssh = NULL;
    if (!s)
        return;
    if (s->channel)
        ssh_channel_free(s->channel);
    if (s->session) {
        /* Since 0.10 libssh closes a descriptor that it was given after an error only; without the
         * option it closes whatever is still open, once. */
        ssh_options_set(s->session, SSH_OPTIONS_FD, NULL);
        ssh_disconnect(s->session);
        ssh_free(s->session);
    }
    free(s->name);
    free(s);
}

static int set_options(struct ssh *ssh, const struct ssh_target *t, const char *algorithms, int fd)
{
    static const int no = 0, yes = 1, quiet = SSH_LOG_NOLOG;
    const bool process_config = false;
    const struct {
        enum ssh_options_e option;
        const void *value;
    } options[] = {
        {SSH_OPTIONS_PROCESS_CONFIG, &process_config},
        {SSH_OPTIONS_LOG_VERBOSITY, &quiet},
        {SSH_OPTIONS_HOST, t->address},
        {SSH_OPTIONS_USER, t->user},
        {SSH_OPTIONS_FD, &fd},
        {SSH_OPTIONS_NODELAY, &yes},
        {SSH_OPTIONS_GSSAPI_AUTH, &no},
        {SSH_OPTIONS_CIPHERS_C_S, CIPHERS},
        {SSH_OPTIONS_CIPHERS_S_C, CIPHERS},
        {SSH_OPTIONS_COMPRESSION, "no"},
        {SSH_OPTIONS_HOSTKEYS, algorithms},
        /* Host keys are checked by us; libssh would reorder the algorithms by these files. */
        {SSH_OPTIONS_KNOWNHOSTS, "/dev/null"},
        {SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (ssh_options_set(ssh->session, options[i].option, options[i].value) < 0)
            return -EINVAL;
    return 0;
}

/* TCP and key exchange. What the server learns of us: our version and algorithms. */
static int connect_to(const struct ssh_target *t, const char *algorithms, int64_t deadline,
                      struct ssh **out, struct error *err)
{
    AUTO_SSH *ssh = xcalloc(1, sizeof(*ssh));
    char text[TEXT_MAX];

    ssh->cancel = t->cancel;
    ssh->name = xasprintf("%s@%s port %u", t->user, t->address, t->port);
    ssh->session = ssh_new();
    if (!ssh->session)
        abort();
    int64_t dialled = clock_monotonic_ms() + t->connect_timeout_ms;
    AUTO_FD fd = dial_tcp(t->address, t->port, dialled < deadline ? dialled : deadline, t->cancel,
                          err);
    if (fd < 0)
        return fd;
    int r = set_options(ssh, t, algorithms, fd);
    if (r < 0)
        return error_set(err, r, "%s: %s", ssh->name, reason(ssh, text));
    (void) TAKE_FD(fd);
    ssh_set_blocking(ssh->session, 0);
    r = DRIVE(ssh, deadline, SSH_AGAIN, ssh_connect(ssh->session));
    if (r == SSH_AGAIN)
        return gave_up(ssh, "the key exchange", err);
    if (r != SSH_OK) {
        error_set(err, -EPIPE, "%s: no SSH connection: %s", ssh->name, reason(ssh, text));
        error_remedy(err, "look at sshd's log on the host; another service on that port, or "
                          "MaxStartups, ends connections like this");
        return -EPIPE;
    }
    *out = TAKE_PTR(ssh);
    return 0;
}

static void free_key(ssh_key *key)
{
    ssh_key_free(*key);
}

static void free_ssh_text(char **text)
{
    ssh_string_free_char(*text);
}

static int verify_host_key(const struct ssh *ssh, const struct ssh_target *t, struct error *err)
{
    CLEANUP(free_key) ssh_key key = NULL;
    CLEANUP(free_ssh_text) char *base64 = NULL;

    if (ssh_get_server_publickey(ssh->session, &key) != SSH_OK ||
        ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK)
        return error_set(err, -EKEYREJECTED, "%s shows no usable host key", ssh->name);
    return host_key_verify(t, base64, err);
}

/* A pinned fingerprint does not tell the type of its key: a host with several keys may have shown
 * another one first. Each is a connection of its own, up to the key exchange. */
static int try_other_types(const struct ssh_target *t, int64_t deadline, struct ssh **out)
{
    static const char *const families[] = {
        "ssh-ed25519", "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521", "ssh-rsa"};

    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        AUTO_SSH *ssh = NULL;
        STRBUF(algorithms, TEXT_MAX);
        host_key_type_algorithms(families[i], &algorithms);
        (void) connect_to(t, algorithms.data, deadline, &ssh, NULL);
        if (ssh && verify_host_key(ssh, t, NULL) == 0) {
            *out = TAKE_PTR(ssh);
            return 0;
        }
    }
    return -EKEYREJECTED;
}

static int connect_verified(const struct ssh_target *t, int64_t *deadline, struct ssh **out,
                            struct error *err)
{
    STRBUF(algorithms, TEXT_MAX);
    AUTO_SSH *ssh = NULL;
    int r = host_key_algorithms(t, &algorithms, err);

    if (r < 0)
        return r;
    r = connect_to(t, algorithms.data, *deadline, &ssh, err);
    if (!ssh)
        return r;
    int64_t before = clock_monotonic_ms();
    r = verify_host_key(ssh, t, err);
    *deadline += clock_monotonic_ms() - before; /* a person may have been asked */
    if (r == 0)
        *out = TAKE_PTR(ssh);
    else if (r == -EKEYREJECTED && t->host_key && grammar_fingerprint(t->host_key))
        r = try_other_types(t, *deadline, out);
    return r;
}

/* --- private keys: an encrypted one is unlocked once for all hosts --- */

static struct {
    pthread_mutex_t lock;
    struct unlocked_key {
        struct unlocked_key *next;
        char *path;
        ssh_key key; /* NULL: asked, and it did not open */
    } * first;
} unlocked = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int refuse_passphrase(const char *prompt, char *buf, size_t len, int echo, int verify,
                             void *userdata)
{
    (void) prompt, (void) buf, (void) len, (void) echo, (void) verify;
    *(bool *) userdata = true;
    return -1;
}

/* The key when it needs no passphrase; *encrypted tells whether that was what failed. */
static ssh_key load_plain_key(const char *path, bool *encrypted)
{
    ssh_key key = NULL;

    *encrypted = false;
    (void) ssh_pki_import_privkey_file(path, NULL, refuse_passphrase, encrypted, &key);
    return key;
}

static ssh_key ask_and_load(const char *path, const bool *cancel)
{
    CLEANUP(strbuf_release_secret) struct strbuf passphrase;
    AUTO_FREE char *question = xasprintf("Enter passphrase for key '%s': ", path);
    ssh_key key = NULL;

    strbuf_init(&passphrase, PASSPHRASE_MAX);
    if (tty_ask(question, true, cancel, &passphrase, NULL) == 0)
        (void) ssh_pki_import_privkey_file(path, passphrase.data, NULL, NULL, &key);
    return key;
}

static struct unlocked_key *find_unlocked(const char *path)
{
    struct unlocked_key *k = unlocked.first;

    while (k && strcmp(k->path, path) != 0)
        k = k->next;
    return k;
}

/* The caller owns the result. The lock is held while asking: the other hosts wait for the answer
 * instead of asking too. */
static ssh_key load_encrypted_key(const char *path, bool may_ask, const bool *cancel)
{
    pthread_mutex_lock(&unlocked.lock);
    struct unlocked_key *k = find_unlocked(path);
    if (!k && may_ask) {
        ssh_key key = ask_and_load(path, cancel);
        k = xcalloc(1, sizeof(*k));
        *k = (struct unlocked_key){unlocked.first, xstrdup(path), key};
        unlocked.first = k;
    }
    ssh_key copy = k && k->key ? ssh_key_dup(k->key) : NULL;
    pthread_mutex_unlock(&unlocked.lock);
    return copy;
}

/* --- login --- */

static int offer_key(struct login *l, ssh_key key)
{
    return DRIVE(l->ssh, l->deadline, SSH_AUTH_AGAIN,
                 ssh_userauth_publickey(l->ssh->session, NULL, key));
}

static int offer_agent(struct login *l)
{
    if (!getenv("SSH_AUTH_SOCK"))
        return SSH_AUTH_DENIED;
    strv_add(&l->tried, "ssh-agent");
    int r = DRIVE(l->ssh, l->deadline, SSH_AUTH_AGAIN, ssh_userauth_agent(l->ssh->session, NULL));
    /* No agent there, or none that works, is no reason to end: the next way is tried. */
    return r == SSH_AUTH_ERROR && ssh_is_connected(l->ssh->session) ? SSH_AUTH_DENIED : r;
}

/* With the public half at hand nobody is asked for a passphrase that would not help. */
static bool server_wants(struct login *l, const char *path)
{
    CLEANUP(free_key) ssh_key public_key = NULL;
    AUTO_FREE char *public_path = xasprintf("%s.pub", path);

    if (ssh_pki_import_pubkey_file(public_path, &public_key) != SSH_OK)
        return true;
    return DRIVE(l->ssh, l->deadline, SSH_AUTH_AGAIN,
                 ssh_userauth_try_publickey(l->ssh->session, NULL, public_key)) == SSH_AUTH_SUCCESS;
}

static int offer_encrypted(struct login *l, const char *path)
{
    bool may_ask = !l->target->never_ask && tty_available();

    if (!server_wants(l, path)) {
        strv_addf(&l->tried, "key %s", path);
        return SSH_AUTH_DENIED;
    }
    int64_t before = clock_monotonic_ms();
    CLEANUP(free_key) ssh_key key = load_encrypted_key(path, may_ask, l->ssh->cancel);
    l->deadline += clock_monotonic_ms() - before;
    if (!key) {
        strv_addf(&l->tried, "key %s (encrypted: %s)", path,
                  may_ask ? "wrong passphrase" : "ssh-add it, nobody is there to ask");
        return SSH_AUTH_DENIED;
    }
    strv_addf(&l->tried, "key %s", path);
    return offer_key(l, key);
}

/* As ssh: a private key that others can read is no secret any more. */
static const char *unusable(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return errno == ENOENT ? "no such file" : "cannot be read";
    return st.st_mode & 077 ? "others can read it: chmod 600" : NULL;
}

static int offer_file(struct login *l, const char *path, bool given)
{
    bool encrypted;
    const char *problem = unusable(path);

    if (problem) {
        if (given || strcmp(problem, "no such file") != 0)
            strv_addf(&l->tried, "key %s (%s)", path, problem);
        return SSH_AUTH_DENIED;
    }
    CLEANUP(free_key) ssh_key key = load_plain_key(path, &encrypted);
    if (!key && encrypted) {
        /* The agent may hold it open. Without a given key it was asked already. */
        int r = given ? offer_agent(l) : SSH_AUTH_DENIED;
        return r == SSH_AUTH_DENIED ? offer_encrypted(l, path) : r;
    }
    strv_addf(&l->tried, key ? "key %s" : "key %s (not a private key)", path);
    return key ? offer_key(l, key) : SSH_AUTH_DENIED;
}

static int offer_keys(struct login *l)
{
    static const char *const defaults[] = {"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"};

    if (l->target->key)
        return offer_file(l, l->target->key, true);
    int r = offer_agent(l);
    for (size_t i = 0; i < ARRAY_SIZE(defaults) && r == SSH_AUTH_DENIED; i++) {
        AUTO_FREE char *path = path_expand_home(defaults[i]);
        r = offer_file(l, path, false);
    }
    return r;
}

/* Answers one hidden question with the password. Anything else (a one-time code) is not ours to
 * answer. */
static int answer_questions(struct login *l, bool *answered)
{
    ssh_session session = l->ssh->session;
    int count = ssh_userauth_kbdint_getnprompts(session);

    for (int i = 0; i < count; i++) {
        char echo = 1;
        (void) ssh_userauth_kbdint_getprompt(session, (unsigned) i, &echo);
        if (echo || *answered)
            return -EACCES;
        if (ssh_userauth_kbdint_setanswer(session, (unsigned) i, l->target->password) < 0)
            return -EACCES;
        *answered = true;
    }
    return 0;
}

static int offer_interactive(struct login *l)
{
    bool answered = false;

    strv_add(&l->tried, "keyboard-interactive");
    for (int round = 0; round < KBDINT_ROUNDS_MAX; round++) {
        int r = DRIVE(l->ssh, l->deadline, SSH_AUTH_AGAIN,
                      ssh_userauth_kbdint(l->ssh->session, NULL, NULL));
        if (r != SSH_AUTH_INFO)
            return r;
        if (answer_questions(l, &answered) < 0)
            return SSH_AUTH_DENIED;
    }
    return SSH_AUTH_DENIED;
}

static int offer_password(struct login *l, unsigned methods)
{
    if (!l->target->password || l->password_used)
        return SSH_AUTH_DENIED;
    if (methods & SSH_AUTH_METHOD_PASSWORD) {
        l->password_used = true;
        strv_add(&l->tried, "password");
        return DRIVE(l->ssh, l->deadline, SSH_AUTH_AGAIN,
                     ssh_userauth_password(l->ssh->session, NULL, l->target->password));
    }
    if (!(methods & SSH_AUTH_METHOD_INTERACTIVE))
        return SSH_AUTH_DENIED;
    l->password_used = true;
    return offer_interactive(l);
}

static const char *methods_text(unsigned methods, char out[METHODS_MAX])
{
    snprintf(out, METHODS_MAX, "%s%s%s", methods & SSH_AUTH_METHOD_PUBLICKEY ? " publickey" : "",
             methods & SSH_AUTH_METHOD_PASSWORD ? " password" : "",
             methods & SSH_AUTH_METHOD_INTERACTIVE ? " keyboard-interactive" : "");
    return out[0] ? out : " nothing we know";
}

static int refused(const struct login *l, unsigned methods, const char *why, struct error *err)
{
    char offers[METHODS_MAX];
    AUTO_FREE char *tried = strv_join(&l->tried, ", ");

    error_set(err, -EACCES, "login to %s refused%s%s; tried: %s; the server offers:%s",
              l->ssh->name, why ? ": " : "", why ? why : "",
              l->tried.count ? tried : "nothing, no key was found", methods_text(methods, offers));
    error_remedy(err,
                 "put a key there (ssh-copy-id -p %u %s@%s), or set user:, key: or "
                 "password: in hosts.yaml",
                 l->target->port, l->target->user, l->target->address);
    return -EACCES;
}

static int log_in(struct login *l, struct error *err)
{
    ssh_session session = l->ssh->session;
    char text[TEXT_MAX];
    unsigned methods = 0;
    int r = DRIVE(l->ssh, l->deadline, SSH_AUTH_AGAIN, ssh_userauth_none(session, NULL));

    for (int round = 0; round < AUTH_ROUNDS_MAX; round++) {
        if (r != SSH_AUTH_DENIED && r != SSH_AUTH_PARTIAL)
            break;
        methods = (unsigned) ssh_userauth_list(session, NULL);
        r = methods & SSH_AUTH_METHOD_PUBLICKEY ? offer_keys(l) : SSH_AUTH_DENIED;
        if (r == SSH_AUTH_DENIED)
            r = offer_password(l, methods);
        if (r == SSH_AUTH_DENIED)
            return refused(l, methods, NULL, err);
    }
    if (r == SSH_AUTH_SUCCESS)
        return 0;
    if (r == SSH_AUTH_AGAIN)
        return gave_up(l->ssh, "the login", err);
    /* Servers say so when they end the connection after too many tries. */
    reason(l->ssh, text);
    return ssh_get_disconnect_message(session)
               ? refused(l, methods, text, err)
               : error_set(err, -EPIPE, "connection to %s lost: %s", l->ssh->name, text);
}

int ssh_open(const struct ssh_target *target, struct ssh **out, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + target->login_timeout_ms;
    AUTO_SSH *ssh = NULL;
    int r = connect_verified(target, &deadline, &ssh, err);

    if (!ssh)
        return r;
    struct login login = {.ssh = ssh, .target = target, .deadline = deadline};
    r = log_in(&login, err);
    strv_release(&login.tried);
    if (r == 0)
        *out = TAKE_PTR(ssh);
    return r;
}

/* --- one command --- */

int ssh_start(struct ssh *ssh, const char *command, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + COMMAND_MS;
    char text[TEXT_MAX];

    if (ssh->channel)
        ssh_channel_free(ssh->channel);
    ssh->channel = ssh_channel_new(ssh->session);
    if (!ssh->channel)
        return link_error(ssh, err);
    int r = DRIVE(ssh, deadline, SSH_AGAIN, ssh_channel_open_session(ssh->channel));
    if (r == SSH_OK)
        r = DRIVE(ssh, deadline, SSH_AGAIN, ssh_channel_request_exec(ssh->channel, command));
    if (r == SSH_AGAIN)
        return gave_up(ssh, "the start of a command", err);
    if (r == SSH_OK)
        return 0;
    if (!ssh_is_connected(ssh->session))
        return link_error(ssh, err);
    return error_set(err, -EACCES, "%s runs no command for us: %s", ssh->name, reason(ssh, text));
}

/* > 0 bytes, 0 nothing there now, -ENODATA end of this stream, -EPIPE. */
static ssize_t read_stream(struct ssh *ssh, void *data, size_t len, int is_stderr)
{
    uint32_t count = len > INT32_MAX ? INT32_MAX : (uint32_t) len;
    int n = ssh_channel_read_nonblocking(ssh->channel, data, count, is_stderr);

    if (n > 0)
        return n;
    if (n == SSH_EOF || (n == 0 && ssh_channel_is_eof(ssh->channel)))
        return -ENODATA;
    return n == 0 || n == SSH_AGAIN ? 0 : -EPIPE;
}

ssize_t ssh_read(struct ssh *ssh, void *data, size_t len, bool *is_stderr, int timeout_ms,
                 struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;

    for (;;) {
        ssize_t n[2];
        if (cancelled(ssh))
            return error_set(err, -ECANCELED, "%s: interrupted", ssh->name);
        for (int stream = 1; stream >= 0; stream--) {
            n[stream] = read_stream(ssh, data, len, stream);
            *is_stderr = stream;
            if (n[stream] > 0)
                return n[stream];
        }
        if (!ssh_is_connected(ssh->session) || n[0] == -EPIPE)
            return link_error(ssh, err);
        if (n[0] == -ENODATA && n[1] < 0)
            return 0;
        if (n[0] == -ENODATA)
            continue; /* the end came with the last look: stderr may have got its rest with it */
        int r = wait_socket(ssh, deadline);
        if (r < 0)
            return r == -ETIMEDOUT ? -EAGAIN : error_set(err, r, "%s: interrupted", ssh->name);
    }
}

/* What libssh holds has gone to the kernel: it would take all that the server's window allows, two
 * megabytes for each host. */
static int flush(struct ssh *ssh, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + STALL_MS;
    int r = DRIVE(ssh, deadline, SSH_AGAIN, ssh_blocking_flush(ssh->session, 0));

    if (r == SSH_OK)
        return 0;
    if (r != SSH_AGAIN)
        return link_error(ssh, err);
    return cancelled(ssh) ? error_set(err, -ECANCELED, "%s: interrupted", ssh->name)
                          : error_set(err, -EPIPE, "%s takes no more data", ssh->name);
}

int ssh_write(struct ssh *ssh, const void *data, size_t len, struct error *err)
{
    const char *p = data;
    int64_t deadline = clock_monotonic_ms() + STALL_MS;

    while (len > 0) {
        int n = ssh_channel_write(ssh->channel, p,
                                  (uint32_t) (len < WRITE_PIECE ? len : WRITE_PIECE));
        if (n > 0) {
            p += n;
            len -= (size_t) n;
            int r = flush(ssh, err);
            if (r < 0)
                return r;
            deadline = clock_monotonic_ms() + STALL_MS;
            continue;
        }
        if (n != 0 && n != SSH_AGAIN)
            return link_error(ssh, err);
        int r = wait_socket(ssh, deadline);
        if (r == -ETIMEDOUT)
            return error_set(err, -EPIPE, "%s takes no more data", ssh->name);
        if (r < 0)
            return error_set(err, r, "%s: interrupted", ssh->name);
    }
    return 0;
}

int ssh_send_eof(struct ssh *ssh)
{
    return ssh_channel_send_eof(ssh->channel) == SSH_OK ? 0 : -EPIPE;
}

int ssh_exit_code(struct ssh *ssh)
{
    int64_t deadline = clock_monotonic_ms() + CLOSE_MS;

    for (;;) {
        int code = ssh_channel_get_exit_status(ssh->channel);
        if (code >= 0 || ssh_channel_is_closed(ssh->channel) || wait_socket(ssh, deadline) < 0)
            return code;
    }
}

int ssh_fd(const struct ssh *ssh)
{
    return ssh_get_fd(ssh->session);
}
