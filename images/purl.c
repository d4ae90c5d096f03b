#include "images/purl.h"

#include "images/maven.h"
#include "images/pypi.h"
#include "lib/strbuf.h"

#include <ctype.h>
#include <string.h>

#define PURL_MAX 8192

/* Percent-encoded but for what a purl leaves as it is; `also` may be "/". */
static void add(struct strbuf *out, const char *text, const char *also)
{
    for (const char *p = text; *p; p++)
        if (isalnum((unsigned char) *p) || strchr(".-_~:", *p) || strchr(also, *p))
            strbuf_addc(out, *p);
        else
            strbuf_addf(out, "%%%02X", (unsigned char) *p);
}

char *purl_golang(const char *module, const char *version)
{
    STRBUF(out, PURL_MAX);
    AUTO_FREE char *lower = xstrdup(module);
    for (char *p = lower; *p; p++)
        *p = (char) tolower((unsigned char) *p);
    strbuf_adds(&out, "pkg:golang/");
    add(&out, lower, "/");
    strbuf_addc(&out, '@');
    add(&out, version, "");
    return strbuf_steal(&out);
}

char *purl_deb(const char *name, const char *version, const char *suite)
{
    STRBUF(out, PURL_MAX);
    strbuf_adds(&out, "pkg:deb/debian/");
    add(&out, name, "");
    strbuf_addc(&out, '@');
    add(&out, version, "");
    if (suite) {
        strbuf_adds(&out, "?distro=");
        add(&out, suite, "");
    }
    return strbuf_steal(&out);
}

char *purl_maven(const char *coordinate)
{
    STRBUF(out, PURL_MAX);
    AUTO_COORDINATE c = {0};
    if (!maven_coordinate_parse(coordinate, &c))
        return NULL;
    strbuf_adds(&out, "pkg:maven/");
    add(&out, c.group, "");
    strbuf_addc(&out, '/');
    add(&out, c.artifact, "");
    strbuf_addc(&out, '@');
    add(&out, c.version, "");
    if (c.classifier) {
        strbuf_adds(&out, "?classifier=");
        add(&out, c.classifier, "");
    }
    if (strcmp(c.type, "jar") != 0) {
        strbuf_adds(&out, c.classifier ? "&type=" : "?type=");
        add(&out, c.type, "");
    }
    return strbuf_steal(&out);
}

char *purl_pypi(const char *name, const char *version)
{
    STRBUF(out, PURL_MAX);
    AUTO_FREE char *normal = pypi_normal_name(name);
    strbuf_adds(&out, "pkg:pypi/");
    add(&out, normal, "");
    strbuf_addc(&out, '@');
    add(&out, version, "");
    return strbuf_steal(&out);
}

char *purl_oci(const char *ref, const char *digest)
{
    STRBUF(out, PURL_MAX);
    AUTO_FREE char *place = xstrndup(ref, strcspn(ref, "@"));
    char *slash = strrchr(place, '/');
    char *colon = strrchr(slash ? slash : place, ':');
    if (colon)
        *colon++ = '\0';
    strbuf_adds(&out, "pkg:oci/");
    add(&out, slash ? slash + 1 : place, "");
    strbuf_addc(&out, '@');
    add(&out, digest, "");
    strbuf_adds(&out, "?repository_url=");
    add(&out, place, "/");
    if (colon) {
        strbuf_adds(&out, "&tag=");
        add(&out, colon, "");
    }
    return strbuf_steal(&out);
}

char *purl_generic(const char *name, const char *url, const char *digest)
{
    STRBUF(out, PURL_MAX);
    strbuf_adds(&out, "pkg:generic/");
    add(&out, name, "");
    strbuf_adds(&out, "?checksum=");
    add(&out, digest, "");
    strbuf_adds(&out, "&download_url=");
    add(&out, url, "/");
    return strbuf_steal(&out);
}
