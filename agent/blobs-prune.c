#include "agent/blobs-prune.h"

#include "agent/paths.h"
#include "lib/digest.h"
#include "lib/path.h"
#include "lib/protocol.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool is_listed(const struct bundle *const *bundles, size_t count, const char *digest)
{
    for (size_t i = 0; i < count; i++)
        if (bundle_blob_size(bundles[i], digest) >= 0)
            return true;
    return false;
}

int blobs_prune(const struct bundle *const *bundles, size_t count, const char *manifest,
                struct error *err)
{
    AUTO_FREE char *path = agent_path(AGENT_BLOB_DIR);
    AUTO_DIR *dir = opendir(path);
    int r = 0;
    if (!dir)
        return error_errno(err, -errno, "open %s", path);
    for (const struct dirent *entry; r == 0 && (entry = readdir(dir));) {
        AUTO_FREE char *digest = xasprintf("sha256:%s", entry->d_name);
        if (!digest_is_valid(digest) || strcmp(digest, manifest) == 0 ||
            is_listed(bundles, count, digest))
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
            r = error_errno(err, -errno, "remove %s", digest);
    }
    return r;
}
