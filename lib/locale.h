/* A UTF-8 character set for the calling thread only, whatever the program's locale is. */
#pragma once

#include "lib/cleanup.h"

#include <locale.h>

/* Both for IN_UTF8_LOCALE, which lasts until the end of the enclosing block. */
locale_t locale_enter_utf8(void);
void locale_leave(const locale_t *former);
#define IN_UTF8_LOCALE() CLEANUP(locale_leave) locale_t former_locale_ = locale_enter_utf8()
