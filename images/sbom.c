#include "images/sbom.h"

#include "images/purl.h"
#include "lib/digest.h"

#include <string.h>

#define ID_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"
#define ID_HASH_LEN 12 /* hex digits: 48 bits tell some hundred parts apart */
#define BUNDLE_ID "SPDXRef-Bundle"
#define NO_ASSERTION "NOASSERTION"

struct document {
    json_t *packages, *relations;
    json_t *seen; /* ids of packages */
};

/* An id that any text gives: what it may not hold is replaced, and a hash keeps it unique. */
static char *make_id(const char *kind, const char *name, const char *key)
{
    char digest[DIGEST_SIZE];
    digest_buffer(key, strlen(key), digest);
    STRBUF(out, 1024);
    strbuf_addf(&out, "SPDXRef-%s-", kind);
    for (const char *p = name; *p; p++)
        strbuf_addc(&out, strchr(ID_CHARS, *p) ? *p : '-');
    strbuf_addf(&out, "-%.*s", ID_HASH_LEN, digest + strlen("sha256:"));
    return strbuf_steal(&out);
}

static void relate(struct document *d, const char *from, const char *type, const char *to)
{
    json_array_append_new(d->relations,
                          json_pack("{s:s, s:s, s:s}", "spdxElementId", from, "relationshipType",
                                    type, "relatedSpdxElement", to));
}

/* Takes nothing over; NULL when the document has it already. */
static json_t *add_package(struct document *d, const char *id, const char *name,
                           const char *version, const char *purpose)
{
    if (json_object_get(d->seen, id))
        return NULL;
    json_object_set_new(d->seen, id, json_true());
    json_t *p = json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:s}", "SPDXID", id, "name", name,
                          "downloadLocation", NO_ASSERTION, "filesAnalyzed", 0, "licenseConcluded",
                          NO_ASSERTION, "licenseDeclared", NO_ASSERTION, "copyrightText",
                          NO_ASSERTION, "primaryPackagePurpose", purpose);
    if (version && *version)
        json_object_set_new(p, "versionInfo", json_string(version));
    json_array_append_new(d->packages, p);
    return p;
}

static void set_checksum(json_t *package, const char *digest)
{
    if (digest && digest_is_valid(digest))
        json_object_set_new(package, "checksums",
                            json_pack("[{s:s, s:s}]", "algorithm", "SHA256", "checksumValue",
                                      digest + strlen("sha256:")));
}

static void set_purl(json_t *package, const char *purl)
{
    if (purl)
        json_object_set_new(package, "externalRefs",
                            json_pack("[{s:s, s:s, s:s}]", "referenceCategory", "PACKAGE-MANAGER",
                                      "referenceType", "purl", "referenceLocator", purl));
}

static void add_part(struct document *d, const char *source_id, const json_t *part)
{
    const char *name = json_get_string(part, "name", "");
    const char *version = json_get_string(part, "version", "");
    const char *purl = json_get_string(part, "purl", NULL);
    const char *licence = json_get_string(part, "licence", NULL);
    AUTO_FREE char *key = purl ? xstrdup(purl) : xasprintf("%s %s", name, version);
    AUTO_FREE char *id = make_id("Part", name, key);
    json_t *p = add_package(d, id, name, version, "LIBRARY");
    relate(d, source_id, "CONTAINS", id);
    if (!p)
        return;
    set_checksum(p, json_get_string(part, "digest", NULL));
    set_purl(p, purl);
    if (licence) {
        json_object_set_new(p, "licenseConcluded", json_string(licence));
        json_object_set_new(p, "licenseDeclared", json_string(licence));
    }
    if (json_get_string(part, "comment", NULL))
        json_object_set(p, "comment", json_object_get(part, "comment"));
}

static char *source_id(const char *name)
{
    return make_id("Source", name, name);
}

static void add_source(struct document *d, const char *name, const json_t *source)
{
    AUTO_FREE char *id = source_id(name);
    json_t *p = add_package(d, id, name, NULL, "SOURCE");
    json_object_set_new(p, "comment",
                        json_sprintf("a source of the recipe, of the type %s",
                                     json_get_string(source, "type", "?")));
    size_t i;
    json_t *part;
    json_array_foreach(json_object_get(source, "parts"), i, part)
        add_part(d, id, part);
}

static void add_component(struct document *d, const json_t *component, const json_t *origins)
{
    const char *name = json_get_string(component, "name", "");
    const char *version = json_get_string(component, "version", "");
    const char *ref = json_get_string(component, "ref", NULL);
    const char *manifest = json_get_string(component, "manifest", NULL);
    const char *blob = json_get_string(component, "blob", NULL);
    AUTO_FREE char *id = make_id("Component", name, name);
    AUTO_FREE char *purl = ref && manifest ? purl_oci(ref, manifest) : NULL;
    json_t *p = add_package(d, id, name, version, ref ? "CONTAINER" : "ARCHIVE");
    relate(d, BUNDLE_ID, "CONTAINS", id);
    if (!p)
        return;
    set_checksum(p, ref ? manifest : blob);
    set_purl(p, purl);
    size_t i;
    json_t *origin;
    json_array_foreach(json_object_get(origins, name), i, origin) {
        AUTO_FREE char *from = source_id(json_string_value(origin));
        relate(d, id, "GENERATED_FROM", from);
    }
}

static void add_bundle(struct document *d, const json_t *bigtop, const char *name)
{
    AUTO_FREE char *serial = xasprintf("%lld", (long long) json_get_int(bigtop, "serial", 0));
    add_package(d, BUNDLE_ID, name, serial, "ARCHIVE");
    relate(d, "SPDXRef-DOCUMENT", "DESCRIBES", BUNDLE_ID);
}

static json_t *make_head(const json_t *bigtop, const char *name)
{
    AUTO_FREE char *text = json_canonical(bigtop);
    char digest[DIGEST_SIZE];
    digest_buffer(text, strlen(text), digest);
    json_t *space = json_sprintf("https://spdx.org/spdxdocs/%s-%s", name,
                                 digest + strlen("sha256:"));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:s, s:[s]}}", "spdxVersion", "SPDX-2.3",
                     "dataLicense", "CC0-1.0", "SPDXID", "SPDXRef-DOCUMENT", "name", name,
                     "documentNamespace", space, "creationInfo", "created",
                     json_get_string(bigtop, "created", ""), "creators", "Tool: bigtop-bootstrap");
}

static void write_document(const json_t *head, struct strbuf *out)
{
    AUTO_FREE char *text = json_dumps(head, JSON_INDENT(1));
    strbuf_adds(out, text);
    strbuf_addc(out, '\n');
}

static char *document_name(const json_t *bigtop)
{
    return xasprintf("%s-%s-%lld", json_get_string(bigtop, "product", ""),
                     json_get_string(bigtop, "architecture", ""),
                     (long long) json_get_int(bigtop, "serial", 0));
}

void sbom_write(const json_t *bigtop, const json_t *sources, const json_t *origins,
                struct strbuf *out)
{
    AUTO_FREE char *name = document_name(bigtop);
    AUTO_JSON *seen = json_object();
    AUTO_JSON *head = make_head(bigtop, name);
    struct document d = {.packages = json_array(), .relations = json_array(), .seen = seen};
    size_t i;
    json_t *component, *source;
    const char *key;
    json_object_set_new(head, "packages", d.packages);
    json_object_set_new(head, "relationships", d.relations);
    add_bundle(&d, bigtop, name);
    json_array_foreach(json_object_get(bigtop, "components"), i, component)
        add_component(&d, component, origins);
    json_object_foreach((json_t *) sources, key, source)
        add_source(&d, key, source);
    write_document(head, out);
}

/* Parts and components mean the same in every document; a bundle, and a source, which is only a
 * name of its recipe, do not. */
static char *merged_id(const char *id, size_t number)
{
    bool own = strncmp(id, BUNDLE_ID, strlen(BUNDLE_ID)) == 0 ||
               strncmp(id, "SPDXRef-Source-", strlen("SPDXRef-Source-")) == 0;
    return own ? xasprintf("%s.%zu", id, number) : xstrdup(id);
}

static void merge_packages(struct document *d, const json_t *document, size_t number)
{
    size_t i;
    json_t *package;
    json_array_foreach(json_object_get(document, "packages"), i, package) {
        AUTO_FREE char *id = merged_id(json_get_string(package, "SPDXID", ""), number);
        if (json_object_get(d->seen, id))
            continue;
        json_t *copy = json_copy(package);
        json_object_set_new(copy, "SPDXID", json_string(id));
        json_object_set_new(d->seen, id, json_true());
        json_array_append_new(d->packages, copy);
    }
}

static void merge_relations(struct document *d, const json_t *document, json_t *seen, size_t number)
{
    size_t i;
    json_t *relation;
    json_array_foreach(json_object_get(document, "relationships"), i, relation) {
        const char *type = json_get_string(relation, "relationshipType", "");
        const char *from = json_get_string(relation, "spdxElementId", "");
        AUTO_FREE char *to = merged_id(json_get_string(relation, "relatedSpdxElement", ""), number);
        bool top = strcmp(type, "DESCRIBES") == 0; /* now it is contained, not described */
        AUTO_FREE char *element = top ? xstrdup(BUNDLE_ID) : merged_id(from, number);
        AUTO_FREE char *key = xasprintf("%s %s %s", element, type, to);
        if (json_object_get(seen, key))
            continue;
        json_object_set_new(seen, key, json_true());
        relate(d, element, top ? "CONTAINS" : type, to);
    }
}

void sbom_merge(const json_t *bigtop, const json_t *documents, struct strbuf *out)
{
    AUTO_FREE char *name = document_name(bigtop);
    AUTO_JSON *seen = json_object(), *seen_relations = json_object();
    AUTO_JSON *head = make_head(bigtop, name);
    struct document d = {.packages = json_array(), .relations = json_array(), .seen = seen};
    size_t i;
    json_t *document;
    json_object_set_new(head, "packages", d.packages);
    json_object_set_new(head, "relationships", d.relations);
    add_bundle(&d, bigtop, name);
    json_array_foreach(documents, i, document) {
        merge_packages(&d, document, i + 1);
        merge_relations(&d, document, seen_relations, i + 1);
    }
    write_document(head, out);
}
