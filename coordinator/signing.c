#include "coordinator/signing.h"

#include "coordinator/command.h"
#include "coordinator/tty.h"

#include <string.h>

#define PROMPT_MAX 512

static int ask(void *userdata, struct strbuf *password, struct error *err)
{
    const char *path = userdata;
    STRBUF(prompt, PROMPT_MAX);
    strbuf_adds(&prompt, "Password of ");
    strbuf_add_printable(&prompt, path, strlen(path));
    strbuf_adds(&prompt, ": ");
    return tty_ask(prompt.data, true, &interrupted, password, err);
}

int signing_key_load(const char *path, struct secret_key *out, struct error *err)
{
    bool exposed = false;
    int r = secret_key_load(path, ask, (void *) path, out, &exposed, err);
    if (r < 0)
        return r;
    if (exposed)
        command_warn("%s can be read by others: chmod 600 it", path);
    return 0;
}
