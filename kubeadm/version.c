#include "kubeadm/version.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 9999
#define NUMERIC_LEN_MAX 9

/* A decimal number without leading zeroes; *s is moved behind it. */
static bool take_number(const char **s, unsigned *out)
{
    const char *p = *s;
    unsigned value = 0;
    if (!isdigit((unsigned char) *p) || (*p == '0' && isdigit((unsigned char) p[1]))) {
        return false;
    }
    for (; isdigit((unsigned char) *p); p++) {
        value = value * 10 + (unsigned) (*p - '0');
        if (value > NUMBER_MAX) {
            return false;
        }
    }
    *s = p;
    *out = value;
    return true;
}

static bool take_dot(const char **s)
{
    if (**s != '.') {
        return false;
    }
    (*s)++;
    return true;
}

static bool identifier_valid(const char *s, size_t len)
{
    bool numeric = true;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char) s[i]) && s[i] != '-') {
            return false;
        }
        numeric = numeric && isdigit((unsigned char) s[i]);
    }
    return len > 0 && !(numeric && (len > NUMERIC_LEN_MAX || (len > 1 && s[0] == '0')));
}

static bool prerelease_valid(const char *s)
{
    if (strlen(s) >= KUBE_PRERELEASE_MAX) {
        return false;
    }
    for (;;) {
        size_t len = strcspn(s, ".");
        if (!identifier_valid(s, len)) {
            return false;
        }
        if (s[len] == '\0') {
            return true;
        }
        s += len + 1;
    }
}

int kube_version_parse(const char *text, struct kube_version *out, struct error *err)
{
    struct kube_version v = {0};
    const char *s = text + (text[0] == 'v');
    bool good = take_number(&s, &v.major) && take_dot(&s) && take_number(&s, &v.minor) &&
                take_dot(&s) && take_number(&s, &v.patch);
    if (good && *s == '-') {
        good = prerelease_valid(++s);
        memcpy(v.prerelease, s, strnlen(s, sizeof(v.prerelease) - 1));
    } else if (*s != '\0') {
        good = false;
    }
    if (!good) {
        return error_set(err, -EINVAL, "\"%.64s\" is not a version such as v1.34.4", text);
    }
    *out = v;
    return 0;
}
