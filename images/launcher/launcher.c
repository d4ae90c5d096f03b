#include "images/launcher/launcher.h"

#include "images/launcher/directive.h"
#include "images/launcher/tcp.h"
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

int launch_probe(char *const *arguments, struct error *err)
{
    AUTO_TCP_ADDRESS a = {0};
    size_t count = 0;
    while (arguments[count])
        count++;
    bool only_try = count == 2 && strcmp(arguments[0], "tcp") == 0;
    if (!only_try && (count != 4 || strcmp(arguments[0], "ask") != 0))
        return error_set(err, -EINVAL, "expected tcp HOST:PORT or ask HOST:PORT TEXT ANSWER");
    int r = tcp_address_parse(arguments[1], &a, err);
    if (r < 0)
        return r;
    return only_try ? tcp_try(&a, err) : tcp_ask(&a, arguments[2], arguments[3], err);
}
