/* Whose file is it? Asked before we would put one of ours in its place. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* True when the distribution's package manager (dpkg or rpm) says that one of its packages put the
 * file there; its name goes to `package`. */
bool package_owns(const char *path, char *package, size_t size);
/* The same for dpkg's lists in a folder other than /var/lib/dpkg/info. */
bool package_owns_dpkg(const char *info_dir, const char *path, char *package, size_t size);
