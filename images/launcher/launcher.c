#include "images/launcher/launcher.h"

#include "images/launcher/directive.h"
#include "images/launcher/tcp.h"
#include "images/launcher/thrift.h"
#include "images/launcher/words.h"
#include "lib/fd.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <errno.h>
#include <string.h>

static int read_text(const char *path, struct strbuf *out, struct error *err)
{
    int r = file_read(path, out, err);
    if (r == 0 && strlen(out->data) != out->len)
        return error_set(err, -EINVAL, "%s has a zero byte", path);
    return r;
}

/* Variables are not looked at yet: directives before the line may set them. */
static int check_line(const char *line, bool *finished, struct error *err)
{
    STRV(words);
    const struct directive *d;
    int r = words_split(line, false, &words, err);
    if (r < 0 || words.count == 0)
        return r;
    if ((r = directive_find(&words, &d, err)) < 0)
        return r;
    if (*finished)
        return error_set(err, -EINVAL, "nothing comes after \"exec\" or \"done\"");
    *finished = directive_is_last(d);
    return 0;
}

static int run_line(const struct launcher *l, const char *line, struct error *err)
{
    STRV(words);
    const struct directive *d;
    int r = words_split(line, true, &words, err);
    if (r < 0 || words.count == 0)
        return r;
    r = directive_find(&words, &d, err);
    return r < 0 ? r : d->run(l, &words, err);
}

/* Each line in turn: looked at where `finished` is given, else run. */
static int walk(const struct launcher *l, const char *path, const char *text, bool *finished,
                struct error *err)
{
    unsigned number = 1;
    while (*text) {
        size_t len = strcspn(text, "\n");
        AUTO_FREE char *line = xstrndup(text, len);
        int r = finished ? check_line(line, finished, err) : run_line(l, line, err);
        if (r < 0)
            return error_prefix(err, "%s:%u", path, number);
        text += len + (text[len] == '\n');
        number++;
    }
    return 0;
}

int launch(const struct launcher *l, const char *path, struct error *err)
{
    STRBUF(text, LAUNCH_FILE_MAX);
    bool finished = false;
    int r;
    if ((r = read_text(path, &text, err)) < 0 || (r = walk(l, path, text.data, &finished, err)) < 0)
        return r;
    return finished ? walk(l, path, text.data, NULL, err)
                    : error_set(err, -EINVAL, "%s ends without \"exec\" or \"done\"", path);
}

int launch_check_user(uid_t uid, struct error *err)
{
    return uid ? 0 : error_set(err, -EPERM, "never runs as root: the image's user is 10001");
}

static int probe_tcp(const struct tcp_address *a, char *const *arguments, struct error *err)
{
    (void) arguments;
    return tcp_try(a, err);
}

static int probe_ask(const struct tcp_address *a, char *const *arguments, struct error *err)
{
    return tcp_ask(a, arguments[0], arguments[1], err);
}

static int probe_thrift(const struct tcp_address *a, char *const *arguments, struct error *err)
{
    return thrift_call(a, arguments[0], err);
}

struct probe {
    const char *name;
    size_t count; /* of arguments, the name among them */
    int (*run)(const struct tcp_address *a, char *const *arguments, struct error *err);
};

static const struct probe probes[] = {
    {"tcp", 2, probe_tcp}, {"ask", 4, probe_ask}, {"thrift", 3, probe_thrift}};

static const struct probe *find_probe(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
        if (strcmp(probes[i].name, name) == 0)
            return &probes[i];
    return NULL;
}

int launch_probe(char *const *arguments, struct error *err)
{
    AUTO_TCP_ADDRESS a = {0};
    size_t count = 0;
    while (arguments[count])
        count++;
    const struct probe *p = count ? find_probe(arguments[0]) : NULL;
    if (!p || count != p->count)
        return error_set(err, -EINVAL,
                         "expected tcp HOST:PORT, ask HOST:PORT TEXT ANSWER or "
                         "thrift HOST:PORT METHOD");
    int r = tcp_address_parse(arguments[1], &a, err);
    return r < 0 ? r : p->run(&a, arguments + 2, err);
}
