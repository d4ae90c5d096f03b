/* Texts of proc(5). */
#pragma once

/* In place: the kernel writes blanks, tabs, newlines and backslashes of names as a backslash and
 * three octal digits (fs/seq_file.c, mangle_path). */
void proc_unescape(char *text);
