#include "iso/template.h"

#include <string.h>

void iso_template_fill(const char *text, const char *place, const char *value, struct strbuf *out)
{
    const char *at;
    while ((at = strstr(text, place))) {
        strbuf_add(out, text, (size_t) (at - text));
        strbuf_adds(out, value);
        text = at + strlen(place);
    }
    strbuf_adds(out, text);
}
