#include "agent/paths.h"

#include "lib/path.h"
#include "lib/protocol.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *agent_root = "";

void agent_root_set(const char *root)
{
    agent_root = root;
}

char *agent_path(const char *absolute)
{
    return xasprintf("%s%s", agent_root, absolute);
}

static int check_folder(const char *path, struct error *err)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return error_errno(err, -errno, "look at %s", path);
    const char *what = NULL;
    if (!S_ISDIR(st.st_mode))
        what = S_ISLNK(st.st_mode) ? "is a symlink" : "is not a folder";
    else if (st.st_uid != geteuid())
        what = "belongs to another user";
    else if (st.st_mode & (S_IWGRP | S_IWOTH))
        what = "can be written by others";
    if (!what)
        return 0;
    error_set(err, -EPERM, "%s %s: it was not made by the agent", path, what);
    return error_remedy(err, "look at who made it, remove it, and run again");
}

static int make_folder(const char *absolute, struct error *err)
{
    AUTO_FREE char *path = agent_path(absolute);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return error_errno(err, -errno, "make %s", path);
    int r = check_folder(path, err);
    if (r >= 0 && chmod(path, 0700) < 0)
        r = error_errno(err, -errno, "make %s private", path);
    return r;
}

int agent_prepare_folders(struct error *err)
{
    static const char *const folders[] = {AGENT_STATE_DIR, AGENT_STATE_DIR "/blobs", AGENT_BLOB_DIR,
                                          AGENT_RUN_DIR};
    if (*agent_root) {
        AUTO_FREE char *var_lib = agent_path("/var/lib");
        AUTO_FREE char *run = agent_path("/run");
        int r = path_mkdir_p(var_lib, 0700, err);
        if (r >= 0)
            r = path_mkdir_p(run, 0700, err);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        int r = make_folder(folders[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

int agent_remove_folders(struct error *err)
{
    AUTO_FREE char *state = agent_path(AGENT_STATE_DIR);
    AUTO_FREE char *run = agent_path(AGENT_RUN_DIR);
    struct error second = ERROR_INIT;
    int r = path_remove_tree(state, err);
    int r2 = path_remove_tree(run, r < 0 ? &second : err);
    return r < 0 ? r : r2;
}
