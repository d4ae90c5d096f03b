#include "images/image-ref.h"

#include "lib/digest.h"
#include "lib/grammar.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <string.h>

#define HUB "docker.io"
#define REF_TEXT_MAX 512

void image_ref_release(struct image_ref *r)
{
    free(r->host);
    free(r->repository);
    free(r->tag);
    free(r->digest);
    *r = (struct image_ref){0};
}

char *image_ref_name(const struct image_ref *r)
{
    return r->tag ? xasprintf("%s/%s:%s", r->host, r->repository, r->tag) : NULL;
}

char *image_ref_text(const struct image_ref *r)
{
    return xasprintf("%s/%s%s%s%s%s", r->host, r->repository, r->tag ? ":" : "",
                     r->tag ? r->tag : "", r->digest ? "@" : "", r->digest ? r->digest : "");
}

/* The first part of a name is a host when it looks like one: "a/b" is Docker Hub's. */
static bool is_host(const char *name, size_t len)
{
    return memchr(name, '.', len) || memchr(name, ':', len) ||
           (len == 9 && memcmp(name, "localhost", 9) == 0);
}

/* name: without tag and digest */
static void split_name(const char *name, struct image_ref *out)
{
    const char *slash = strchr(name, '/');
    if (slash && is_host(name, (size_t) (slash - name))) {
        out->host = xstrndup(name, (size_t) (slash - name));
        name = slash + 1;
    } else {
        out->host = xstrdup(HUB);
    }
    bool official = strcmp(out->host, HUB) == 0 && !strchr(name, '/');
    out->repository = xasprintf("%s%s", official ? "library/" : "", name);
}

static bool is_valid(const struct image_ref *r)
{
    AUTO_FREE char *name = xasprintf("%s/%s:%s", r->host, r->repository,
                                     r->tag ? r->tag : "latest");
    return grammar_image_ref(name) && (!r->digest || digest_is_valid(r->digest));
}

int image_ref_parse(const char *text, struct image_ref *out, struct error *err)
{
    AUTO_IMAGE_REF r = {0};
    if (strlen(text) > REF_TEXT_MAX)
        return error_set(err, -EINVAL, "the name of an image is too long");
    const char *at = strchr(text, '@');
    AUTO_FREE char *name = at ? xstrndup(text, (size_t) (at - text)) : xstrdup(text);
    if (at)
        r.digest = xstrdup(at + 1);
    char *slash = strrchr(name, '/');
    char *colon = strchr(slash ? slash : name, ':');
    if (colon) {
        *colon = '\0';
        r.tag = xstrdup(colon + 1);
    } else if (!at) {
        r.tag = xstrdup("latest");
    }
    split_name(name, &r);
    if (!is_valid(&r))
        return error_set(err, -EINVAL,
                         "not the name of an image, expected HOST/PATH:TAG or "
                         "HOST/PATH@sha256:…");
    *out = r;
    r = (struct image_ref){0};
    return 0;
}
