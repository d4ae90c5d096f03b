/* Architectures by the names that Debian, Go and bigtop.json ("arm64"), the kernel ("aarch64") and
 * ELF give them. */
#pragma once

#include "lib/error.h"

/* What this program was built for. LOADER: of glibc, in a folder of libraries. */
#if defined(__aarch64__)
#define OWN_ARCHITECTURE "arm64"
#define OWN_MACHINE "aarch64"
#define OWN_LOADER "ld-linux-aarch64.so.1"
#elif defined(__x86_64__)
#define OWN_ARCHITECTURE "amd64"
#define OWN_MACHINE "x86_64"
#define OWN_LOADER "ld-linux-x86-64.so.2"
#endif

/* Pure: of what `uname -m` says. One that is not known keeps its name. */
const char *architecture_of_machine(const char *machine);
/* Pure, the other way: "arm64" is "aarch64". */
const char *architecture_machine(const char *architecture);
/* Which one an ELF program is for, into *out; "unknown" when it is for none of these. -ENOEXEC: it
 * is no such program. */
int architecture_of_program(const char *path, const char **out, struct error *err);
