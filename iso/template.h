/* Texts with a place in them that something else stands for. */
#pragma once

#include "lib/strbuf.h"

/* Appends the text with every `place` ("@IMAGE@") replaced. Pure. */
void iso_template_fill(const char *text, const char *place, const char *value, struct strbuf *out);
