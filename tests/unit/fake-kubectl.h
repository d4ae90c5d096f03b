/* A kubectl of the test's own: a script that says what it was asked, or what the test wants said.
 * Answers each call with the file of that number in its folder, "says.0" and so on (none: it fails
 * with what "fails.0" says), and keeps what it was asked and given ("asked.0", "given.0"). */
#pragma once

#include "coordinator/kubectl.h"
#include "tests/unit/folder-file.h"

#define FAKE_KUBECTL \
    "#!/bin/sh\ncd \"${0%/*}\" || exit 9\nn=$(cat count 2>/dev/null || echo 0)\n" \
    "echo $((n + 1)) >count\necho \"$@\" >\"asked.$n\"\ncat >\"given.$n\"\n" \
    "[ -f \"says.$n\" ] || { cat \"fails.$n\" >&2; exit 1; }\ncat \"says.$n\"\n"

static inline void will_say(const char *dir, int call, const char *text)
{
    AUTO_FREE char *name = xasprintf("says.%d", call);
    put_file(dir, name, text, 0644);
}

static inline struct kubectl fake_kubectl(const char *dir)
{
    put_file(dir, "kubectl", FAKE_KUBECTL, 0755);
    return (struct kubectl){.program = path_join(dir, "kubectl")};
}
