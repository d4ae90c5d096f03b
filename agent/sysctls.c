#include "agent/sysctls.h"

#include "lib/fd.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define VALUE_MAX 256

char *sysctls_path(const char *key)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
    size_t len = strlen(key);
    if (len == 0 || len > VALUE_MAX || strspn(key, allowed) != len || strstr(key, "..") ||
        strchr("./", key[0]) || strchr("./", key[len - 1])) {
        return NULL;
    }
    char *path = xasprintf("/proc/sys/%s", key);
    for (char *p = path + strlen("/proc/sys/"); *p; p++) {
        *p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
    }
    return path;
}

/* Blanks and tabs between numbers are the kernel's choice. */
static bool same_value(const char *a, const char *b)
{
    STRV(left);
    STRV(right);
    AUTO_FREE char *a_blanks = xstrdup(a);
    AUTO_FREE char *b_blanks = xstrdup(b);
    for (char *p = a_blanks; *p; p++) {
        *p = *p == '\t' || *p == '\n' ? ' ' : *p;
    }
    for (char *p = b_blanks; *p; p++) {
        *p = *p == '\t' || *p == '\n' ? ' ' : *p;
    }
    strv_split(&left, a_blanks, ' ');
    strv_split(&right, b_blanks, ' ');
    AUTO_FREE char *a_joined = strv_join(&left, " ");
    AUTO_FREE char *b_joined = strv_join(&right, " ");
    return strcmp(a_joined, b_joined) == 0;
}

/* 1 set already, 0 not, -ENOENT not in this kernel, -EINVAL. */
static int look(const char *key, const json_t *value, char **path, struct error *err)
{
    const char *wanted = json_string_value(value);
    *path = sysctls_path(key);
    if (!*path || !wanted || strlen(wanted) > VALUE_MAX || strchr(wanted, '\n')) {
        return error_set(err, -EINVAL, "sysctls: a key or value is malformed");
    }
    STRBUF(text, 4096);
    if (file_read(*path, &text, NULL) < 0) {
        return access(*path, F_OK) < 0 ? -ENOENT : 0;
    }
    return same_value(text.data, wanted);
}

int sysctls_check(const json_t *params, struct strv *differences, struct error *err)
{
    int same = 1;
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(params, "sysctls"), key, value) {
        AUTO_FREE char *path = NULL;
        int r = look(key, value, &path, err);
        if (r == -EINVAL) {
            return r;
        }
        if (r == 0) {
            strv_addf(differences, "set %s to %s", key, json_string_value(value));
            same = 0;
        }
    }
    return same;
}

int sysctls_apply(const struct step_context *ctx, const json_t *params, struct error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(params, "sysctls"), key, value) {
        AUTO_FREE char *path = NULL;
        int r = look(key, value, &path, err);
        if (r == -EINVAL) {
            return r;
        }
        if (r == 0) {
            r = ledger_sysctl(ctx->ledger, key, json_string_value(value), err);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}
