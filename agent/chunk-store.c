#include "agent/chunk-store.h"

#include "agent/blobs.h"
#include "agent/paths.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "lib/protocol.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct stored_blob {
    const char *digest; /* the bundle's */
    struct chunk_range range;
    uint64_t size, here;          /* bytes */
    bool wanted, whole, received; /* received: in chunks */
};

struct chunk_store {
    const struct chunk_map *map;
    struct stored_blob *blobs; /* sorted by digest */
    size_t count;
    struct chunk_set have;
    char *buffer; /* CHUNK_SIZE */
};

static int by_digest(const void *a, const void *b)
{
    return strcmp(((const struct stored_blob *) a)->digest,
                  ((const struct stored_blob *) b)->digest);
}

static struct stored_blob *find_blob(const struct chunk_store *s, const char *digest)
{
    const struct stored_blob key = {.digest = digest};
    return bsearch(&key, s->blobs, s->count, sizeof(*s->blobs), by_digest);
}

static char *part_path(const char *digest)
{
    AUTO_FREE char *path = blob_path(digest);
    return xasprintf("%s" CHUNKS_SUFFIX, path);
}

static bool is_of_no_use(const struct chunk_store *s, const char *name)
{
    const char *suffix = strchr(name, '.');
    if (suffix && strcmp(suffix, PATCHED_SUFFIX) == 0)
        return true;
    if (!suffix || strcmp(suffix, CHUNKS_SUFFIX) != 0)
        return false;
    AUTO_FREE char *digest = xasprintf("sha256:%.*s", (int) (suffix - name), name);
    return !find_blob(s, digest);
}

static int remove_useless_parts(const struct chunk_store *s, struct error *err)
{
    AUTO_FREE char *path = agent_path(AGENT_BLOB_DIR);
    AUTO_DIR *dir = opendir(path);
    if (!dir)
        return error_errno(err, -errno, "open %s", path);
    const struct dirent *entry;
    while ((entry = readdir(dir)))
        if (is_of_no_use(s, entry->d_name))
            unlinkat(dirfd(dir), entry->d_name, 0);
    return 0;
}

int chunk_store_new(const struct bundle *b, const struct chunk_map *map, struct chunk_store **out,
                    struct error *err)
{
    AUTO_CHUNK_STORE *s = xcalloc(1, sizeof(*s));
    json_t *blobs = json_object_get(b->json, "blobs");
    s->map = map;
    s->blobs = xcalloc(json_object_size(blobs) + 1, sizeof(*s->blobs));
    s->buffer = xcalloc(1, CHUNK_SIZE);
    chunk_set_init(&s->have, chunk_map_count(map));
    const char *digest;
    json_t *size;
    json_object_foreach(blobs, digest, size) {
        struct stored_blob *blob = &s->blobs[s->count++];
        *blob = (struct stored_blob){.digest = digest, .size = (uint64_t) json_integer_value(size)};
        chunk_map_find(map, digest, &blob->range);
    }
    qsort(s->blobs, s->count, sizeof(*s->blobs), by_digest);
    int r = remove_useless_parts(s, err);
    if (r == 0)
        *out = TAKE_PTR(s);
    return r;
}

void chunk_store_free(struct chunk_store **s)
{
    if (*s) {
        chunk_set_release(&(*s)->have);
        free((*s)->blobs);
        free((*s)->buffer);
        free(*s);
    }
    *s = NULL;
}

const struct chunk_set *chunk_store_have(const struct chunk_store *s)
{
    return &s->have;
}

bool chunk_store_whole(const struct chunk_store *s, const char *digest)
{
    const struct stored_blob *blob = find_blob(s, digest);
    return blob && blob->whole;
}

uint64_t chunk_store_missing(const struct chunk_store *s, const char *digest)
{
    const struct stored_blob *blob = find_blob(s, digest);
    return blob ? blob->size - blob->here : 0;
}

static void mark_here(struct chunk_store *s, struct stored_blob *blob, uint32_t number)
{
    if (chunk_set_has(&s->have, number))
        return;
    chunk_set_add(&s->have, number);
    blob->here += chunk_map_get(s->map, number).size;
}

static void mark_whole(struct chunk_store *s, struct stored_blob *blob)
{
    for (uint32_t i = 0; i < blob->range.count; i++)
        mark_here(s, blob, blob->range.first + i);
    blob->whole = true;
}

/* Each chunk was verified, so the whole needs no second hash. A file that an earlier bundle's blob
 * of another size could have left is cut. */
static int finish_blob(struct stored_blob *blob, struct error *err)
{
    AUTO_FREE char *part = part_path(blob->digest);
    if (truncate(part, (off_t) blob->size) < 0)
        return error_errno(err, -errno, "cut %s", part);
    int r = blob_adopt(blob->digest, part, err);
    blob->whole = blob->received = r == 0;
    return r < 0 ? r : 1;
}

static int finish_if_complete(struct stored_blob *blob, struct error *err)
{
    return blob->wanted && blob->here == blob->size ? finish_blob(blob, err) : 0;
}

static int write_failed(const struct stored_blob *blob, int code, const char *part,
                        struct error *err)
{
    int r = code == -ENOSPC ? blob_room(blob->size - blob->here, err) : 0;
    if (r < 0)
        return r;
    error_errno(err, code, "write %s", part);
    (void) error_remedy(err, "nothing else may change the files beside it; run again");
    return code;
}

static int write_chunk(struct chunk_store *s, struct stored_blob *blob, uint32_t number,
                       const struct chunk *chunk, const void *data, struct error *err)
{
    AUTO_FREE char *part = part_path(blob->digest);
    /* A file that vanished must not come back with holes where chunks were. */
    int create = blob->here == 0 ? O_CREAT : 0;
    AUTO_FD fd = open(part, O_WRONLY | create | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = fd < 0 ? -errno : fd_pwrite_all(fd, data, chunk->size, chunk->offset);
    if (r < 0)
        return write_failed(blob, r, part, err);
    mark_here(s, blob, number);
    return 0;
}

int chunk_store_add(struct chunk_store *s, uint32_t number, const void *data, size_t len,
                    struct error *err)
{
    if (chunk_set_has(&s->have, number))
        return 0;
    struct chunk chunk = chunk_map_get(s->map, number);
    struct stored_blob *blob = find_blob(s, chunk.blob);
    if (!chunk_matches(&chunk, data, len))
        return error_set(err, -EBADMSG, "chunk %u came with wrong bytes", number);
    int r = write_chunk(s, blob, number, &chunk, data, err);
    return r < 0 ? r : finish_if_complete(blob, err);
}

static bool read_chunk(struct chunk_store *s, int fd, const struct chunk *chunk)
{
    return fd_pread_full(fd, s->buffer, chunk->size, chunk->offset) == 0 &&
           chunk_matches(chunk, s->buffer, chunk->size);
}

/* The number of the first chunk at or behind `number` that has data, or the end. */
static uint32_t skip_hole(int fd, const struct stored_blob *blob, uint32_t number)
{
    uint32_t index = number - blob->range.first, end = blob->range.first + blob->range.count;
    off_t data = lseek(fd, (off_t) index * CHUNK_SIZE, SEEK_DATA);
    if (data < 0)
        return errno == ENXIO ? end : number;
    uint64_t found = (uint64_t) data / CHUNK_SIZE;
    return found < blob->range.count ? blob->range.first + (uint32_t) found : end;
}

static void look_at_part(struct chunk_store *s, struct stored_blob *blob)
{
    AUTO_FREE char *part = part_path(blob->digest);
    AUTO_FD fd = open(part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    uint32_t end = blob->range.first + blob->range.count;
    for (uint32_t n = blob->range.first; fd >= 0 && (n = skip_hole(fd, blob, n)) < end; n++) {
        struct chunk chunk = chunk_map_get(s->map, n);
        if (!chunk_set_has(&s->have, n) && read_chunk(s, fd, &chunk))
            mark_here(s, blob, n);
    }
}

/* It is another store's file: copied, and only what its hashes prove. */
static int bring_from_containerd(struct chunk_store *s, struct stored_blob *blob, struct error *err)
{
    AUTO_FREE char *dir = agent_path(CONTAINERD_BLOB_DIR);
    AUTO_FREE char *path = path_join(dir, strchr(blob->digest, ':') + 1);
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int r = 0;
    for (uint32_t i = 0; fd >= 0 && r == 0 && i < blob->range.count; i++) {
        uint32_t number = blob->range.first + i;
        struct chunk chunk = chunk_map_get(s->map, number);
        if (!chunk_set_has(&s->have, number) && read_chunk(s, fd, &chunk))
            r = write_chunk(s, blob, number, &chunk, s->buffer, err);
    }
    return r;
}

static int create_empty(const struct stored_blob *blob, struct error *err)
{
    AUTO_FREE char *part = part_path(blob->digest);
    AUTO_FD fd = open(part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? error_errno(err, -errno, "create %s", part) : 0;
}

int chunk_store_look(struct chunk_store *s, const char *digest, bool wanted, struct error *err)
{
    struct stored_blob *blob = find_blob(s, digest);
    if (!blob)
        return error_set(err, -ENOENT, "the bundle does not list %s", digest);
    int r = blob->whole ? 1 : blob_have(digest, err);
    if (r != 0) {
        if (r == 1)
            mark_whole(s, blob);
        return r;
    }
    blob->wanted = blob->wanted || wanted;
    if (blob->size == 0 && wanted)
        r = create_empty(blob, err);
    look_at_part(s, blob);
    if (r == 0 && wanted)
        r = bring_from_containerd(s, blob, err);
    return r < 0 ? r : finish_if_complete(blob, err);
}

int chunk_store_open(const struct chunk_store *s, uint32_t number, uint64_t *offset,
                     struct error *err)
{
    struct chunk chunk = chunk_map_get(s->map, number);
    AUTO_FREE char *path = chunk_store_whole(s, chunk.blob) ? blob_path(chunk.blob)
                                                            : part_path(chunk.blob);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_errno(err, -errno, "open %s", path);
    *offset = chunk.offset;
    return fd;
}

static void forget_chunks(struct chunk_store *s, struct stored_blob *blob)
{
    for (uint32_t i = 0; i < blob->range.count; i++)
        chunk_set_remove(&s->have, blob->range.first + i);
    blob->here = 0;
    blob->whole = false;
}

void chunk_store_drop(struct chunk_store *s, const char *digest)
{
    struct stored_blob *blob = find_blob(s, digest);
    if (!blob || (blob->whole && !blob->received))
        return;
    AUTO_FREE char *path = blob->whole ? blob_path(digest) : part_path(digest);
    unlink(path);
    forget_chunks(s, blob);
}
