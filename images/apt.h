/* Debian packages by APT, with a state of its own that says that nothing is installed: the
 * machine's packages are neither used nor changed. APT resolves, fetches and checks signatures. */
#pragma once

#include "lib/digest.h"
#include "lib/error.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>

struct apt_request {
    const char *cache_dir, *architecture;
    const char *suite;           /* has to be among the machine's own APT sources */
    const struct strv *packages; /* NAME or NAME=VERSION; with all that they depend on */
    const bool *cancel;          /* may be NULL; true: stop, -ECANCELED */
    void (*progress)(void *userdata, const char *text); /* may be NULL */
    void *userdata;
};

struct apt_package {
    char *name, *version; /* the version with its epoch */
    char *path;           /* of the .deb, once it is there */
    char digest[DIGEST_SIZE];
};
struct apt_packages {
    struct apt_package *items; /* in APT's order: what others depend on first */
    size_t count;
};
void apt_packages_release(struct apt_packages *p);
#define AUTO_APT_PACKAGES CLEANUP(apt_packages_release) struct apt_packages

/* A package's name and perhaps "=version" (Debian policy 5.6.1 and 5.6.12), never an option. */
bool apt_is_package(const char *s);
/* Updates the lists and tells which packages it comes to. Leaves *out untouched on failure. */
int apt_resolve(const struct apt_request *request, struct apt_packages *out, struct error *err);
/* Fetches them and compares each with its digest. The files stay until the next apt_download. */
int apt_download(const struct apt_request *request, const struct apt_packages *packages,
                 struct error *err);
/* Pure: a line of --print-uris, 'URI' FILE SIZE SHA256:HEX, in a folder of archives. */
int apt_parse_uri(const char *line, const char *archives, struct apt_package *out,
                  struct error *err);
void apt_package_release(struct apt_package *p);
