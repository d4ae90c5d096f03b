#include "lib/proc-text.h"

#include <string.h>

void proc_unescape(char *text)
{
    char *out = text;
    for (const char *p = text; *p; p++) {
        if (p[0] == '\\' && strspn(p + 1, "01234567") >= 3) {
            *out++ = (char) (((p[1] - '0') << 6) | ((p[2] - '0') << 3) | (p[3] - '0'));
            p += 3;
        } else {
            *out++ = *p;
        }
    }
    *out = '\0';
}

void proc_swaps(const char *text, struct strv *devices)
{
    STRV(lines);
    strv_split(&lines, text, '\n');
    for (size_t i = 1; i < lines.count; i++) { /* the first one is the heading */
        char *line = lines.items[i];
        line[strcspn(line, " \t")] = '\0';
        proc_unescape(line);
        strv_add(devices, line);
    }
}
