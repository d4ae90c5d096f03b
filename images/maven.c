#include "images/maven.h"

#include <string.h>

void maven_coordinate_release(struct maven_coordinate *c)
{
    free(c->group);
    free(c->artifact);
    free(c->version);
    free(c->classifier);
    free(c->type);
    *c = (struct maven_coordinate){0};
}

/* What Maven itself allows in ids and file names, less what is special in a path or in XML. */
static bool is_name(const char *s)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+";
    size_t len = strlen(s);
    return len > 0 && len <= MAVEN_NAME_MAX && !strchr(".-+", s[0]) && !strstr(s, "..") &&
           strspn(s, allowed) == len;
}

static bool is_version(const char *s)
{
    size_t len = strlen(s);
    return is_name(s) && strcmp(s, "LATEST") != 0 && strcmp(s, "RELEASE") != 0 &&
           !(len >= 8 && strcmp(s + len - 8, "SNAPSHOT") == 0);
}

static bool is_coordinate(const struct maven_coordinate *c)
{
    return is_name(c->group) && c->group[strlen(c->group) - 1] != '.' && is_name(c->artifact) &&
           is_version(c->version) && (!c->classifier || is_name(c->classifier)) && is_name(c->type);
}

static bool take_valid(struct maven_coordinate *c, struct maven_coordinate *out)
{
    if (!is_coordinate(c))
        return false;
    *out = *c;
    *c = (struct maven_coordinate){0};
    return true;
}

bool maven_coordinate_parse(const char *text, struct maven_coordinate *out)
{
    STRV(parts);
    const char *at = strchr(text, '@');
    AUTO_FREE char *names = at ? xstrndup(text, (size_t) (at - text)) : xstrdup(text);
    if (strstr(names, "::") || *names == ':' || (*names && names[strlen(names) - 1] == ':'))
        return false;
    strv_split(&parts, names, ':');
    if (parts.count < 3 || parts.count > 4)
        return false;
    AUTO_COORDINATE c = {.group = xstrdup(parts.items[0]),
                         .artifact = xstrdup(parts.items[1]),
                         .version = xstrdup(parts.items[2]),
                         .classifier = parts.count == 4 ? xstrdup(parts.items[3]) : NULL,
                         .type = xstrdup(at ? at + 1 : "jar")};
    return take_valid(&c, out);
}

/* "tar.gz" is one extension; a classifier may hold a dot as well ("linux-x86_64.bin.zip"). */
static const char *extension(const char *s)
{
    const char *last = strrchr(s, '.');
    size_t len = last ? (size_t) (last - s) : 0;
    return len >= 4 && strncmp(last - 4, ".tar", 4) == 0 ? last - 4 : last;
}

static bool split_file_name(const char *name, struct maven_coordinate *c)
{
    AUTO_FREE char *stem = xasprintf("%s-%s", c->artifact, c->version);
    size_t len = strlen(stem);
    if (strncmp(name, stem, len) != 0 || !strchr("-.", name[len]) || !name[len])
        return false;
    const char *dot = extension(name + len);
    if (!dot || !dot[1] || (name[len] == '.' && dot != name + len))
        return false;
    if (dot > name + len)
        c->classifier = xstrndup(name + len + 1, (size_t) (dot - (name + len + 1)));
    c->type = xstrdup(dot + 1);
    return true;
}

bool maven_coordinate_of_path(const char *path, struct maven_coordinate *out)
{
    STRV(parts);
    strv_split(&parts, path, '/');
    if (parts.count < 4)
        return false;
    size_t n = parts.count;
    AUTO_COORDINATE c = {.artifact = xstrdup(parts.items[n - 3]),
                         .version = xstrdup(parts.items[n - 2])};
    STRV(group);
    for (size_t i = 0; i + 3 < n; i++)
        strv_add(&group, parts.items[i]);
    c.group = strv_join(&group, ".");
    return split_file_name(parts.items[n - 1], &c) && take_valid(&c, out);
}

char *maven_coordinate_text(const struct maven_coordinate *c)
{
    bool jar = strcmp(c->type, "jar") == 0;
    return xasprintf("%s:%s:%s%s%s%s%s", c->group, c->artifact, c->version,
                     c->classifier ? ":" : "", c->classifier ? c->classifier : "", jar ? "" : "@",
                     jar ? "" : c->type);
}

char *maven_file_name(const struct maven_coordinate *c)
{
    return xasprintf("%s-%s%s%s.%s", c->artifact, c->version, c->classifier ? "-" : "",
                     c->classifier ? c->classifier : "", c->type);
}

char *maven_folder(const struct maven_coordinate *c)
{
    AUTO_FREE char *group = xstrdup(c->group);
    for (char *p = group; *p; p++)
        if (*p == '.')
            *p = '/';
    return xasprintf("%s/%s/%s", group, c->artifact, c->version);
}

bool maven_is_exclusion(const char *text)
{
    const char *colon = strchr(text, ':');
    if (!colon)
        return false;
    AUTO_FREE char *group = xstrndup(text, (size_t) (colon - text));
    return (strcmp(group, "*") == 0 || is_name(group)) &&
           (strcmp(colon + 1, "*") == 0 || is_name(colon + 1));
}

bool maven_is_repository(const char *url)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~:/-%";
    return strncmp(url, "https://", 8) == 0 && url[8] && strspn(url, allowed) == strlen(url);
}

/* The project */

static void add_exclusions(const struct strv *exclusions, struct strbuf *out)
{
    strbuf_adds(out, "      <exclusions>\n");
    for (size_t i = 0; i < exclusions->count; i++) {
        const char *text = exclusions->items[i];
        strbuf_addf(out,
                    "        <exclusion><groupId>%.*s</groupId><artifactId>%s</artifactId>"
                    "</exclusion>\n",
                    (int) strcspn(text, ":"), text, strchr(text, ':') + 1);
    }
    strbuf_adds(out, "      </exclusions>\n");
}

static void add_dependency(const char *text, const struct strv *exclusions, struct strbuf *out)
{
    AUTO_COORDINATE c = {0};
    if (!maven_coordinate_parse(text, &c))
        return;
    strbuf_addf(out,
                "    <dependency>\n"
                "      <groupId>%s</groupId><artifactId>%s</artifactId>"
                "<version>%s</version><type>%s</type>\n",
                c.group, c.artifact, c.version, c.type);
    if (c.classifier)
        strbuf_addf(out, "      <classifier>%s</classifier>\n", c.classifier);
    if (exclusions->count)
        add_exclusions(exclusions, out);
    strbuf_adds(out, "    </dependency>\n");
}

void maven_project(const struct strv *coordinates, const struct strv *exclusions,
                   const char *repository, struct strbuf *out)
{
    strbuf_adds(out, "<project>\n"
                     "  <modelVersion>4.0.0</modelVersion>\n"
                     "  <groupId>bigtop</groupId><artifactId>request</artifactId>\n"
                     "  <version>1</version><packaging>pom</packaging>\n");
    if (repository) /* under this name it replaces Central, and a user's mirror of that holds */
        strbuf_addf(out,
                    "  <repositories><repository><id>central</id><url>%s</url></repository>"
                    "</repositories>\n",
                    repository);
    strbuf_adds(out, "  <dependencies>\n");
    for (size_t i = 0; i < coordinates->count; i++)
        add_dependency(coordinates->items[i], exclusions, out);
    strbuf_adds(out, "  </dependencies>\n</project>\n");
}
