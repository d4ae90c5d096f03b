#include "coordinator/push.h"

#include "coordinator/agent-blob.h"
#include "coordinator/tty.h"
#include "lib/architecture.h"
#include "lib/clock.h"
#include "lib/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MARKER "BIGTOP1 "
#define SUDO_PROMPT "BIGTOP1-sudo-password:"
#define ANSWER_MS 60000   /* sudo may look up names for long */
#define INSTALL_MS 180000 /* unpacking and syncing 10 MB on an SD card */
#define PIECE (256UL * 1024)
#define SLICE_MS 200
#define STDERR_MAX 4096
#define PASSWORD_MAX 1024
#define COMMAND_MAX 8192
#define LOADER "lib/" OWN_LOADER

/* One line without quotes ('), exclamation marks and backslashes: it passes through whatever login
 * shell the user has, in single quotes. $1: hex digest of the tarball, $2: its size. The folders
 * are root's alone (or it ends), so nobody else can put anything in its way below them; the fresh
 * folder gets its name only when all of it is on the disk. */
static const char script[] =
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin; LC_ALL=C; export PATH LC_ALL; umask 077; cd /; "
    "H=$1; N=$2; S=" AGENT_STATE_DIR "; A=" AGENT_INSTALL_DIR "; D=$A/$H; M=$(uname -m); "
    "die() { echo; echo \"" MARKER "FAIL $1 $2\"; exit 70; }; "
    "mine() { case $(stat -c %F:%u:%A \"$1\") in "
    "directory:0:?????w*|directory:0:????????w*) die writable $1;; "
    "directory:0:*) :;; directory:*) die owner $1;; *) die symlink $1;; esac; }; "
    "folder() { [ -e $1 ] || [ -L $1 ] || mkdir $1 || die mkdir $1; mine $1; }; "
    "runs() { \"$1/" LOADER "\" --library-path \"$1/lib\" \"$1/bin/bigtop-agent\" version "
    "< /dev/null > /dev/null; }; "
    "[ \"$(id -u)\" = 0 ] || die notroot; "
    "for c in stat mkdir mktemp head sha256sum tar gzip find sync mv rm ls touch; do "
    "command -v $c > /dev/null || die missing $c; done; "
    "mine /var/; mine /var/lib/; folder $S; folder $A; "
    "there() { [ -x $D/bin/bigtop-agent ] && [ -x $D/" LOADER " ]; }; "
    "if there; then mine $D; else "
    "echo; echo \"" MARKER "$M NEED\"; "
    "find $A -maxdepth 1 -name \".new.*\" -mmin +60 -exec rm -rf {} +; "
    "T=$(mktemp -d $A/.new.XXXXXX) || die space $A; "
    "trap \"rm -rf $T\" EXIT; trap \"exit 70\" HUP INT TERM PIPE; "
    "head -c $N > $T/tgz || die space $A; "
    "[ $(stat -c %s $T/tgz) = $N ] || die short; "
    "echo \"$H  $T/tgz\" | sha256sum -c > /dev/null || die digest; "
    "mkdir $T/d && tar -xzof $T/tgz -C $T/d || die unpack $A; "
    "runs $T/d || die run $A; "
    "find $T/d -exec sync {} + || sync; "
    "there || { rm -rf $D; mv $T/d $D; } || die rename $D; touch $D; sync $A || sync; "
    "k=0; for o in $(ls -1t $A); do [ $o = $H ] && continue; k=$((k+1)); "
    "[ $k -gt 1 ] && rm -rf $A/$o; done; "
    "rm -rf $T; trap - EXIT HUP INT TERM PIPE; fi; "
    "echo; echo \"" MARKER "$M HAVE\"; "
    "exec $D/" LOADER " --library-path $D/lib $D/bin/bigtop-agent attach --self $D";

struct push {
    struct ssh *ssh;
    const struct push_options *options;
    struct strbuf out; /* stdout, not yet looked at */
    struct strbuf stderr_tail;
    struct strbuf noise_tail; /* the end of what was no marker */
    size_t noise;             /* bytes of stdout that were no marker */
    bool password_sent;
};

static const struct failure {
    const char *word;
    int code;
    const char *text, *remedy; /* %s of text: the detail */
} failures[] = {
    {"notroot", -EPERM, "the user is not root%s", "set sudo: auto in hosts.yaml, or user: root"},
    {"missing", -ENOENT, "the host has no program '%s'", "install it on the host"},
    {"symlink", -EPERM, "%s is not a real folder: someone put it there before us",
     "look at it, and remove it if it is not needed"},
    {"owner", -EPERM, "%s does not belong to root",
     "look at it, then chown it to root or remove it"},
    {"writable", -EPERM, "%s can be written by others than root",
     "look at what is in it, then chmod go-w it or remove it"},
    {"mkdir", -EROFS, "%s could not be made", "is the disk full, or mounted read-only?"},
    {"space", -ENOSPC, "the agent could not be stored in %s", "free at least 30 MB there"},
    {"short", -EPIPE, "the agent did not arrive whole%s", "run it again"},
    {"digest", -EBADMSG, "the agent arrived damaged%s",
     "run it again; if it stays, check its memory"},
    {"unpack", -ENOSPC, "the agent could not be unpacked in %s", "free at least 30 MB there"},
    {"run", -ENOEXEC, "the agent does not run from %s",
     "the file system must not be mounted noexec: mount -o remount,exec it"},
    {"rename", -EIO, "%s could not be put in place", "look at what is there"},
};

static void keep_tail(struct strbuf *tail, const char *data, size_t len)
{
    if (len > STDERR_MAX) {
        data += len - STDERR_MAX;
        len = STDERR_MAX;
    }
    if (tail->len + len > STDERR_MAX)
        strbuf_consume(tail, tail->len + len - STDERR_MAX);
    strbuf_add(tail, data, len);
}

/* The last line with something in it, printable: what the host had to say. */
static char *last_words(struct push *p)
{
    STRBUF(text, 1024);
    const struct strbuf *from = p->stderr_tail.len ? &p->stderr_tail : &p->noise_tail;

    keep_tail(&p->noise_tail, p->out.data, p->out.len);
    const char *end = from->data + from->len;

    while (end > from->data && (unsigned char) end[-1] <= ' ')
        end--;
    const char *start = end;
    while (start > from->data && start[-1] != '\n' && end - start < 200)
        start--;
    strbuf_add_printable(&text, start, (size_t) (end - start));
    return strbuf_steal(&text);
}

static int no_password(struct error *err, const struct push_options *o)
{
    error_set(err, -EACCES, "sudo on %s asks for a password and none is given", o->who);
    return error_remedy(err, "set sudo_password: in hosts.yaml (mode 0600), or allow the user "
                             "NOPASSWD in sudoers, or run on a terminal");
}

static int get_password(const struct push_options *o, struct strbuf *password, struct error *err)
{
    AUTO_FREE char *question = xasprintf("[sudo] password for %s: ", o->who);

    const char *known = o->sudo_password ? o->sudo_password : o->asked->len ? o->asked->data : NULL;
    if (known)
        return strbuf_adds(password, known);
    if (o->never_ask || !tty_available())
        return no_password(err, o);
    int r = tty_ask(question, true, o->cancel, password, err);
    return r == 0 ? strbuf_adds(o->asked, password->data) : r;
}

static int send_password(struct push *p, struct error *err)
{
    CLEANUP(strbuf_release_secret) struct strbuf password;

    strbuf_init(&password, PASSWORD_MAX);
    int r = get_password(p->options, &password, err);
    if (r < 0)
        return r;
    if (strchr(password.data, '\n')) {
        error_set(err, -EINVAL, "sudo's password for %s has a newline in it", p->options->who);
        return error_remedy(err, "correct sudo_password: in hosts.yaml");
    }
    strbuf_addc(&password, '\n');
    p->password_sent = true;
    return ssh_write(p->ssh, password.data, password.len, err);
}

/* One try: a second prompt means that the first password was wrong. */
static int answer_prompt(struct push *p, struct error *err)
{
    char *prompt = strstr(p->stderr_tail.data, SUDO_PROMPT);

    if (!prompt)
        return 0;
    if (p->password_sent) {
        error_set(err, -EACCES, "sudo on %s: wrong password (tried once)", p->options->who);
        return error_remedy(err, "correct sudo_password: (or password:) in hosts.yaml");
    }
    strbuf_consume(&p->stderr_tail, (size_t) (prompt - p->stderr_tail.data) + strlen(SUDO_PROMPT));
    return send_password(p, err);
}

static int ended(struct push *p, struct error *err)
{
    AUTO_FREE char *words = last_words(p);
    int code = ssh_exit_code(p->ssh);

    if (p->options->sudo && (code == 126 || code == 127)) {
        error_set(err, -ENOENT, "%s has no usable sudo: %s", p->options->who, words);
        return error_remedy(err, "install sudo there, or log in as root (user: root)");
    }
    if (p->options->sudo && code == 1) {
        error_set(err, -EACCES, "sudo on %s refused: %s", p->options->who, words);
        return error_remedy(err, "let the user become root with sudo, or use another user");
    }
    error_set(err, -EPIPE, "%s ended our command (exit code %d): %s", p->options->who, code, words);
    return error_remedy(err, "try: ssh %s true; the login shell must run commands",
                        p->options->who);
}

/* Reads more of either stream. 0, -EAGAIN after a slice without news, or an error. */
static int read_more(struct push *p, struct error *err)
{
    char data[4096];
    bool is_stderr;
    ssize_t n = ssh_read(p->ssh, data, sizeof(data), &is_stderr, SLICE_MS, err);

    if (n == -EAGAIN || n < 0)
        return (int) n;
    if (n == 0)
        return ended(p, err);
    if (is_stderr) {
        keep_tail(&p->stderr_tail, data, (size_t) n);
        return answer_prompt(p, err);
    }
    strbuf_add(&p->out, data, (size_t) n);
    return 0;
}

/* Takes the next marker line out of stdout and gives what follows "BIGTOP1 ", or NULL: not there
 * yet. */
static char *take_marker(struct push *p)
{
    for (;;) {
        char *end = memchr(p->out.data, '\n', p->out.len), *rest = NULL;
        if (!end)
            return NULL;
        size_t len = (size_t) (end - p->out.data);
        if (strncmp(p->out.data, MARKER, strlen(MARKER)) == 0)
            rest = xstrndup(p->out.data + strlen(MARKER), len - strlen(MARKER));
        else
            keep_tail(&p->noise_tail, p->out.data, len + 1);
        strbuf_consume(&p->out, len + 1);
        if (rest)
            return rest;
        p->noise += len + 1;
    }
}

static int await_marker(struct push *p, int timeout_ms, char **rest, struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;

    while (!(*rest = take_marker(p))) {
        if (p->noise + p->out.len > PUSH_NOISE_MAX)
            return error_set(err, -EPROTO, "%s printed more than %lu bytes before our command ran",
                             p->options->who, PUSH_NOISE_MAX);
        if (clock_left_ms(deadline) == 0) {
            AUTO_FREE char *words = last_words(p);
            return error_set(err, -ETIMEDOUT, "%s did not start the agent in %d s; it said: %s",
                             p->options->who, timeout_ms / 1000, words);
        }
        int r = read_more(p, err);
        if (r < 0 && r != -EAGAIN)
            return r;
    }
    return 0;
}

static int report_failure(struct push *p, const char *rest, struct error *err)
{
    STRBUF(detail, 256);
    size_t word_len = strcspn(rest, " ");
    const char *after = rest + word_len + strspn(rest + word_len, " ");
    AUTO_FREE char *words = last_words(p);

    strbuf_add_printable(&detail, after, strnlen(after, 120));
    for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
        const struct failure *f = &failures[i];
        if (strlen(f->word) != word_len || strncmp(f->word, rest, word_len) != 0)
            continue;
        const char *hole = strstr(f->text, "%s");
        error_set(err, f->code, "%s: %.*s%s%s%s%s", p->options->who, (int) (hole - f->text),
                  f->text, detail.data, hole + 2, p->stderr_tail.len ? ": " : "",
                  p->stderr_tail.len ? words : "");
        return error_remedy(err, "%s", f->remedy);
    }
    return error_set(err, -EPROTO, "%s: the agent could not be installed", p->options->who);
}

/* "<arch> HAVE" or "<arch> NEED": 1 or 0. */
static int parse_marker(struct push *p, const char *rest, struct error *err)
{
    STRBUF(arch, 64);
    size_t arch_len = strcspn(rest, " ");
    const char *word = rest + arch_len + (rest[arch_len] == ' ');

    if (strncmp(rest, "FAIL ", 5) == 0)
        return report_failure(p, rest + 5, err);
    if (arch_len != strlen(OWN_MACHINE) || strncmp(rest, OWN_MACHINE, arch_len) != 0) {
        strbuf_add_printable(&arch, rest, arch_len < 32 ? arch_len : 32);
        error_set(err, -ENOEXEC, "%s is a %s machine, this program carries the agent for %s only",
                  p->options->who, arch.data, OWN_MACHINE);
        return error_remedy(err, "take the host out of hosts.yaml");
    }
    if (strcmp(word, "HAVE") == 0)
        return 1;
    if (strcmp(word, "NEED") == 0)
        return 0;
    return error_set(err, -EPROTO, "%s answered nonsense to our command", p->options->who);
}

static int next_marker(struct push *p, int timeout_ms, struct error *err)
{
    AUTO_FREE char *rest = NULL;
    int r = await_marker(p, timeout_ms, &rest, err);

    return r < 0 ? r : parse_marker(p, rest, err);
}

static int send_blob(struct push *p, struct error *err)
{
    const struct push_options *o = p->options;
    size_t size = (size_t) (agent_blob_end - agent_blob_start);

    for (size_t done = 0; done < size;) {
        size_t n = size - done < PIECE ? size - done : PIECE;
        if (o->on_progress)
            o->on_progress(o->userdata, "sending the agent", (int64_t) done, (int64_t) size);
        int r = ssh_write(p->ssh, agent_blob_start + done, n, err);
        if (r < 0)
            return r;
        done += n;
    }
    if (o->on_progress)
        o->on_progress(o->userdata, "installing the agent", (int64_t) size, (int64_t) size);
    return 0;
}

/* When sending fails the host usually said why before it ended. */
static int install(struct push *p, struct error *err)
{
    struct error sending = ERROR_INIT;
    int r = send_blob(p, &sending);

    if (r == -ECANCELED)
        return error_set(err, r, "%s", sending.text);
    int have = next_marker(p, r < 0 ? SLICE_MS : INSTALL_MS, err);
    if (have < 0)
        return have;
    return have ? 0 : error_set(err, -EPROTO, "%s asked for the agent twice", p->options->who);
}

static int make_command(const struct push_options *o, struct strbuf *command)
{
    size_t size = (size_t) (agent_blob_end - agent_blob_start);

    if (o->sudo)
        strbuf_adds(command, "exec sudo -S -p '" SUDO_PROMPT "' -- ");
    else
        strbuf_adds(command, "exec ");
    return strbuf_addf(command, "/bin/sh -c '%s' sh %s %zu", script, agent_blob_sha256, size);
}

static int converse(struct push *p, bool *pushed, struct error *err)
{
    STRBUF(command, COMMAND_MAX);

    if (make_command(p->options, &command) < 0)
        abort();
    int r = ssh_start(p->ssh, command.data, err);
    if (r < 0)
        return r;
    int have = next_marker(p, ANSWER_MS, err);
    if (have < 0)
        return have;
    r = have ? 0 : install(p, err);
    if (r == 0 && p->out.len)
        r = error_set(err, -EPROTO, "%s: the agent spoke before it was asked", p->options->who);
    if (r == 0 && pushed)
        *pushed = !have;
    return r;
}

int push_agent(struct ssh *ssh, const struct push_options *options, bool *pushed, struct error *err)
{
    struct push p = {.ssh = ssh, .options = options};

    strbuf_init(&p.out, PUSH_NOISE_MAX + 8192);
    strbuf_init(&p.stderr_tail, STDERR_MAX);
    strbuf_init(&p.noise_tail, STDERR_MAX);
    int r = converse(&p, pushed, err);
    if (r == 0 && options->words)
        keep_tail(options->words, p.stderr_tail.data, p.stderr_tail.len);
    strbuf_release(&p.out);
    strbuf_release(&p.stderr_tail);
    strbuf_release(&p.noise_tail);
    return r;
}
