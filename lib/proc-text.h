/* Texts of proc(5). */
#pragma once

#include "lib/strv.h"

/* In place: the kernel writes blanks, tabs, newlines and backslashes of names as a backslash and
 * three octal digits (fs/seq_file.c, mangle_path). */
void proc_unescape(char *text);
/* The devices or files that the text of /proc/swaps lists, unescaped; appended. */
void proc_swaps(const char *text, struct strv *devices);
