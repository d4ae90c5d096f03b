/* A client of container registries for one repository (OCI distribution spec 1.1; Docker Registry
 * HTTP API v2 with its token authentication). Mirrors and the registry itself are asked in the
 * order of images/registry-hosts.h; what one cannot give, or gives wrong, the next is asked for.
 * Every byte is verified by its digest, but for the manifest behind a tag, which is what resolving
 * it means. Logins: images/docker-config.h; they are looked up when a server asks for one. */
#pragma once

#include "images/fetch.h"
#include "images/image-ref.h"
#include "images/oci-manifest.h"

/* Strings and pointers have to live as long as the client. */
struct registry_settings {
    const char *config_dir;    /* folder of the hosts.toml files; NULL: registry_config_dir() */
    const char *docker_config; /* NULL: docker_config_path() */
    const bool *cancel;        /* may be NULL; true: -ECANCELED */
    void (*progress)(void *userdata, uint64_t done, uint64_t total); /* of blobs; may be NULL */
    void *userdata;
};

struct registry;
int registry_open(const struct registry_settings *settings, const struct image_ref *ref,
                  struct registry **out, struct error *err);
void registry_close(struct registry **r);
#define AUTO_REGISTRY CLEANUP(registry_close) struct registry

/* Errors of both: those of fetch_get and fetch_file; -ENOENT (there is no such thing), -EACCES (a
 * login is needed, or refused), -EBADMSG (wrong content), -EREMOTEIO (any other status). When
 * several servers were asked the text has the words of each. */

/* The bytes of a manifest or index, by tag or digest, into body (emptied first). *type, which the
 * caller frees, is Content-Type or NULL. */
int registry_manifest(struct registry *r, const char *reference, struct strbuf *body, char **type,
                      char digest[DIGEST_SIZE], struct error *err);
/* A blob into a file, gone on with where an earlier try broke (fetch_file). */
int registry_blob(struct registry *r, const struct oci_descriptor *blob, const char *path,
                  struct error *err);
