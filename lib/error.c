#include "lib/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The arguments may point into err itself: everything is formatted beside it first. */
static void set_text(struct error *err, int code, const char *text)
{
    err->code = code;
    err->remedy[0] = '\0';
    snprintf(err->text, sizeof(err->text), "%s", text);
}

int error_set(struct error *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    set_text(err, code, text);
    return code;
}

int error_errno(struct error *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    const char *reason = strerrordesc_np(code < 0 ? -code : code);
    size_t used = strlen(text);
    snprintf(text + used, sizeof(text) - used, ": %s", reason ? reason : "unknown error");
    set_text(err, code, text);
    return code;
}

int error_prefix(struct error *err, const char *format, ...)
{
    if (!err)
        return -EIO;
    char prefix[ERROR_TEXT_MAX], inner[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof(prefix), format, args);
    va_end(args);

    memcpy(inner, err->text, sizeof(inner));
    int used = snprintf(err->text, sizeof(err->text), "%s: ", prefix);
    if (used >= 0 && (size_t) used < sizeof(err->text))
        snprintf(err->text + used, sizeof(err->text) - (size_t) used, "%s", inner);
    return err->code;
}

int error_remedy(struct error *err, const char *format, ...)
{
    if (!err)
        return -EIO;
    if (err->remedy[0])
        return err->code;
    char remedy[ERROR_REMEDY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(remedy, sizeof(remedy), format, args);
    va_end(args);
    memcpy(err->remedy, remedy, sizeof(remedy));
    return err->code;
}
