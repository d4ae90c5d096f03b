/* Who we are at a registry, from the standard file of docker and its relatives:
 * $DOCKER_CONFIG/config.json, or ~/.docker/config.json. Of it are read `auths`, and `credHelpers`
 * and `credsStore`, which name programs docker-credential-NAME (run by argument vector, with the
 * registry on stdin). Source: docs.docker.com/reference/cli/docker/login. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"

#include <stdbool.h>

struct credentials {
    char *user, *password; /* NULL: none are known */
};
void credentials_release(struct credentials *c); /* overwrites the password */
#define AUTO_CREDENTIALS CLEANUP(credentials_release) struct credentials

/* The path of the file; the caller frees. */
char *docker_config_path(void);
/* What the file says for a registry ("registry.example:5000"; Docker Hub is docker.io). No file, or
 * nothing in it: 0, and *out stays as it is. -EINVAL when it cannot be understood. cancel may be
 * NULL. */
int docker_config_find(const char *path, const char *registry, const bool *cancel,
                       struct credentials *out, struct error *err);
/* The value of an Authorization header ("Basic …"); the caller frees it with secret_free. */
char *credentials_basic(const struct credentials *c);
