/* The program that every image of the stack begins with: from environment and ConfigMaps to
 * configuration files, to what a component waits for and does once, to the component itself.
 *
 *   launch [FILE [WORD...]]     does what FILE says, /etc/launch/launch.conf by default; WORDs are
 *                               added to what it executes
 *   launch probe tcp HOST:PORT  0 when it takes a connection
 *   launch probe ask HOST:PORT TEXT ANSWER   0 when, asked TEXT (and a newline), it says ANSWER
 *   launch probe thrift HOST:PORT METHOD     0 when METHOD, called without arguments, is answered
 *                                            (images/launcher/thrift.h)
 *
 * FILE has a directive a line, of words (images/launcher/words.h):
 *
 *   env NAME VALUE                 sets it, unless it is set
 *   series NAME FIRST COUNT VALUE  for COUNT numbers from FIRST in the place of "%": variables, if
 *                                  NAME has one, else the one variable of all values with commas
 *   heap NAME PERCENT              NAME becomes "-Xmx<n>m": that part of the container's memory
 *                                  limit, or of the machine's memory where that is less
 *   file FORMAT PATH [from FILE | env PREFIX]...
 *                                  writes PATH (0600) with its folders (images/launcher/settings.h)
 *   wait HOST:PORT SECONDS         until it takes a connection
 *   run COMMAND...                 has to succeed
 *   feed FILE COMMAND...           the same, with FILE as its standard input
 *   once MARKER COMMAND...         runs it unless MARKER is there, which is made (and its folders)
 *                                  when it succeeded
 *   exec COMMAND...                becomes it; the last directive, or
 *   done TEXT                      says so on stdout: of what only does something and ends
 *
 * All of FILE is looked at before anything is done. It never runs as root. Exit codes: COMMAND's; 1
 * an error, with FILE:LINE on stderr. Of libc and lib/ alone, linked statically:
 * names are looked up by what glibc has built in, files and DNS. */
#pragma once

#include "lib/error.h"

#include <stdbool.h>
#include <sys/types.h>

#define LAUNCH_FILE "/etc/launch/launch.conf"
#define LAUNCH_FILE_MAX (1024 * 1024)

struct launcher {
    const char *sys;  /* "/sys", where control groups are */
    char *const *words; /* for what is executed, NULL-ended */
    const bool *stop; /* true: what is waited for or run once is given up, -ECANCELED */
};

/* Comes back only with an error, or 0 after "done". */
int launch(const struct launcher *l, const char *path, struct error *err);

/* Refuses root: -EPERM. */
int launch_check_user(uid_t uid, struct error *err);

/* ARGUMENT... of `probe`, NULL-ended: 0, -EINVAL for those that are wrong, or another -errno. */
int launch_probe(char *const *arguments, struct error *err);
