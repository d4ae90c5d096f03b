#include "agent/attach.h"

#include "agent/bridge.h"
#include "agent/ledger.h"
#include "agent/paths.h"
#include "agent/units.h"
#include "lib/clock.h"
#include "lib/fd.h"
#include "lib/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIT_PATH "/etc/systemd/system/" AGENT_UNIT
/* Who does not answer is stopped, with the job it is at: a disk that stalls must not look like it.
 * Below PROTOCOL_SILENCE_MS, after which the coordinator gives this attach up. */
#define ASK_TIMEOUT_MS 25000
#define UNIT_MAX 4096

static int connect_service(struct error *err)
{
    AUTO_FREE char *path = agent_path(AGENT_SOCKET);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(err, -ENAMETOOLONG, "socket path %s is too long", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof address) < 0)
        return error_errno(err, -errno, "connect to the agent's service at %s", path);
    return TAKE_FD(fd);
}

static int read_answer(int fd, json_t **out, struct error *err)
{
    CLEANUP(frame_decoder_release) struct frame_decoder decoder;
    frame_decoder_init(&decoder);
    int64_t deadline = clock_monotonic_ms() + ASK_TIMEOUT_MS;
    for (;;) {
        char buffer[4096];
        struct frame frame;
        int r = frame_decoder_next(&decoder, &frame, err);
        if (r < 0)
            return r;
        if (r == 1) {
            *out = json_parse(frame.data, frame.len, "hello", err);
            return *out ? 0 : -EPROTO;
        }
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, clock_left_ms(deadline)) > 0 ? read(fd, buffer, sizeof buffer) : 0;
        if (n <= 0)
            return error_set(err, -ETIMEDOUT, "the agent's service does not answer");
        r = frame_decoder_feed(&decoder, buffer, (size_t) n, err);
        if (r < 0)
            return r;
    }
}

/* What the running service says of itself, on a connection of its own and without the lock. */
static int ask_service(json_t **out, struct error *err)
{
    AUTO_FD fd = connect_service(err);
    if (fd < 0)
        return fd;
    STRBUF(question, PROTOCOL_JSON_MAX);
    AUTO_JSON *hello = json_pack("{s:i, s:s, s:{s:i, s:s, s:b, s:s}}", "id", 1, "call", "hello",
                                 "params", "protocol", PROTOCOL_VERSION, "run",
                                 "00000000000000000000000000000000", "lock", 0, "who", "attach");
    int r = frame_encode_json(&question, hello, err);
    if (r >= 0)
        r = fd_write_all(fd, question.data, question.len);
    return r < 0 ? r : read_answer(fd, out, err);
}

enum service { SERVICE_RIGHT, SERVICE_OTHER_BUSY, SERVICE_OTHER, SERVICE_DOWN };

static enum service look_at_service(const char *version)
{
    AUTO_JSON *answer = NULL;
    if (ask_service(&answer, NULL) < 0)
        return SERVICE_DOWN;
    const json_t *result = json_object_get(answer, "result");
    if (strcmp(json_get_string(result, "agent", ""), version) == 0)
        return SERVICE_RIGHT;
    return json_get_bool(result, "busy", true) ? SERVICE_OTHER_BUSY : SERVICE_OTHER;
}

/* The loader that runs us, when it is the one in our folder: then it must run the service too. */
static void add_command(struct strbuf *unit, const char *self)
{
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n < 0 ? 0 : n] = '\0';
    AUTO_FREE char *lib = xasprintf("%s/lib/", self);
    strbuf_adds(unit, "ExecStart=");
    if (strncmp(program, lib, strlen(lib)) == 0)
        strbuf_addf(unit, "%s --library-path %s/lib ", program, self);
    strbuf_addf(unit, "%s/bin/bigtop-agent serve --self %s\n", self, self);
}

static void unit_text(struct strbuf *unit, const char *self)
{
    strbuf_adds(unit, "[Unit]\n"
                      "Description=Bigtop node agent\n"
                      "StartLimitIntervalSec=0\n"
                      "\n"
                      "[Service]\n"
                      "Type=notify\n");
    add_command(unit, self);
    /* A core could hold a token. PATH: where the bundle's programs are. */
    strbuf_adds(unit,
                "Restart=on-failure\n"
                "RestartSec=1\n"
                "TimeoutStopSec=30\n"
                "LimitCORE=0\n"
                "Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
                "\n"
                "[Install]\n"
                "WantedBy=multi-user.target\n");
}

static int write_unit(const struct strbuf *unit, struct error *err)
{
    AUTO_FREE char *path = agent_path(AGENT_LEDGER);
    AUTO_LEDGER *ledger = NULL;
    int r = ledger_open(path, &ledger, err);
    if (r >= 0)
        r = ledger_unit(ledger, AGENT_UNIT, err);
    if (r >= 0)
        r = ledger_write_file(ledger, UNIT_PATH, unit->data, unit->len, 0644, err);
    return r < 0 ? r : 0;
}

static int install_and_start(const struct strbuf *unit, struct error *err)
{
    int r = unit_stop(AGENT_UNIT, UNIT_TIMEOUT_MS, err);
    if (r >= 0)
        r = write_unit(unit, err);
    if (r >= 0) /* this reloads systemd as well */
        r = unit_enable(AGENT_UNIT, err);
    if (r >= 0)
        r = unit_start(AGENT_UNIT, UNIT_TIMEOUT_MS, err);
    return r < 0 ? error_prefix(err, "start the agent's service") : 0;
}

/* One attach at a time changes the service. */
static int lock_attach(struct error *err)
{
    AUTO_FREE char *path = agent_path(AGENT_RUN_DIR "/attach.lock");
    AUTO_FD fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) < 0)
        return error_errno(err, -errno, "lock %s", path);
    return TAKE_FD(fd);
}

static int see_to_service(const char *self, const char *version, struct error *err)
{
    int r = agent_prepare_folders(err);
    if (r < 0)
        return r;
    AUTO_FD lock = lock_attach(err);
    if (lock < 0)
        return lock;
    STRBUF(unit, UNIT_MAX);
    unit_text(&unit, self);
    if (strbuf_full(&unit))
        return error_set(err, -ENAMETOOLONG, "the agent's folder %s has too long a name", self);
    enum service service = look_at_service(version);
    bool is_installed = file_is(UNIT_PATH, unit.data, unit.len, 0644) == 1;
    /* Work that goes on is more important than the version it goes on with. */
    if (service == SERVICE_OTHER_BUSY || (service == SERVICE_RIGHT && is_installed))
        return 0;
    return install_and_start(&unit, err);
}

int attach(const char *self, const char *version, struct error *err)
{
    signal(SIGPIPE, SIG_IGN);
    if (geteuid() != 0)
        return error_set(err, -EPERM, "attach must be run by root");
    int r = self ? see_to_service(self, version, err) : 0;
    if (r < 0)
        return r;
    AUTO_FD service = connect_service(err);
    if (service < 0)
        return service;
    return bridge(STDIN_FILENO, STDOUT_FILENO, service, err);
}
