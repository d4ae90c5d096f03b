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

static int compare_numbers(unsigned long a, unsigned long b)
{
    return a < b ? -1 : a > b;
}

/* One dot-separated part: numbers by value and before words, words by ASCII. */
static int compare_identifiers(const char *a, size_t a_len, const char *b, size_t b_len)
{
    bool a_number = strspn(a, "0123456789") >= a_len;
    bool b_number = strspn(b, "0123456789") >= b_len;
    if (a_number && b_number) {
        return compare_numbers(strtoul(a, NULL, 10), strtoul(b, NULL, 10));
    }
    if (a_number != b_number) {
        return a_number ? -1 : 1;
    }
    int order = strncmp(a, b, a_len < b_len ? a_len : b_len);
    return order != 0 ? order : compare_numbers(a_len, b_len);
}

static int compare_prereleases(const char *a, const char *b)
{
    if (*a == '\0' || *b == '\0') {
        return (*a == '\0') - (*b == '\0');
    }
    while (*a != '\0' && *b != '\0') {
        size_t a_len = strcspn(a, "."), b_len = strcspn(b, ".");
        int order = compare_identifiers(a, a_len, b, b_len);
        if (order != 0) {
            return order;
        }
        a += a_len + (a[a_len] == '.');
        b += b_len + (b[b_len] == '.');
    }
    return (*a != '\0') - (*b != '\0');
}

int kube_version_compare(const struct kube_version *a, const struct kube_version *b)
{
    if (a->major != b->major) {
        return compare_numbers(a->major, b->major);
    }
    if (a->minor != b->minor) {
        return compare_numbers(a->minor, b->minor);
    }
    if (a->patch != b->patch) {
        return compare_numbers(a->patch, b->patch);
    }
    return compare_prereleases(a->prerelease, b->prerelease);
}

bool kube_version_kubelet_fits(const struct kube_version *kubelet,
                               const struct kube_version *api_server)
{
    return kubelet->major == api_server->major && kubelet->minor <= api_server->minor &&
           api_server->minor - kubelet->minor <= KUBE_KUBELET_SKEW;
}

int kube_version_upgrade_check(const struct kube_version *from, const struct kube_version *to,
                               struct error *err)
{
    if (from->major != to->major) {
        return error_set(err, -EINVAL, "an upgrade from major version %u to %u is not possible",
                         from->major, to->major);
    }
    if (kube_version_compare(to, from) < 0) {
        error_set(err, -EINVAL, "Kubernetes cannot go back from v%u.%u.%u to v%u.%u.%u",
                  from->major, from->minor, from->patch, to->major, to->minor, to->patch);
        return error_remedy(err, "use a bundle of v%u.%u.%u or later", from->major, from->minor,
                            from->patch);
    }
    if (to->minor - from->minor > 1) {
        error_set(err, -EINVAL, "Kubernetes cannot skip a minor version: v%u.%u to v%u.%u",
                  from->major, from->minor, to->major, to->minor);
        return error_remedy(err, "first upgrade with a bundle of v%u.%u", from->major,
                            from->minor + 1);
    }
    return 0;
}
