/* Functions that nobody may call: tests/lint/compile.sh puts this before every file. Each has a
 * better one: strbuf.h instead of building strings, process.h instead of a shell, path.h and
 * mkostemp instead of guessing names. */
#pragma once

/* The system's headers come first, as they declare what is poisoned here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#undef alloca
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok strtok_r
#pragma GCC poison system popen alloca tmpnam tempnam mktemp tmpfile
#pragma GCC poison atoi atol atoll
#pragma GCC poison asctime ctime localtime gmtime
