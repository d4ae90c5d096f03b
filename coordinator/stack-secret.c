#include "coordinator/stack-secret.h"

#include "coordinator/stack-objects.h"
#include "lib/digest.h"
#include "lib/secret.h"

#include <string.h>

#define SECRET_LEN 32
#define MANAGED_BY "app.kubernetes.io/managed-by"

/* Each character is as likely as any other. */
static void random_text(char out[SECRET_LEN + 1])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const unsigned count = sizeof(letters) - 1;
    for (size_t i = 0; i < SECRET_LEN;) {
        unsigned char byte;
        random_bytes(&byte, 1);
        if (byte < 256 - 256 % count)
            out[i++] = letters[byte % count];
    }
    out[SECRET_LEN] = '\0';
}

/* Only what `there` lacks. */
static json_t *new_data(const struct stack_secret *s, const json_t *there)
{
    json_t *data = json_object();
    for (size_t i = 0; i < s->keys.count; i++) {
        char text[SECRET_LEN + 1];
        if (json_object_get(there, s->keys.items[i]))
            continue;
        random_text(text);
        json_object_set_new(data, s->keys.items[i], json_string(text));
        explicit_bzero(text, sizeof(text));
    }
    return data;
}

static int send(const struct kubectl *k, const char *const args[], const json_t *object,
                struct error *err)
{
    AUTO_SECRET *text = json_canonical(object);
    return kubectl_run(k, args, text, KUBECTL_TIMEOUT_MS, NULL, err);
}

static int put(const struct kubectl *k, const char *const args[], const char *name,
               const char *type, json_t *data, struct error *err)
{
    AUTO_JSON *object = json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:O}", "apiVersion", "v1",
                                  "kind", "Secret", "type", type, "metadata", "name", name,
                                  "namespace", STACK_NAMESPACE, "labels", MANAGED_BY, STACK_MANAGER,
                                  "stringData", data);
    return send(k, args, object, err);
}

int stack_create_secret(const struct kubectl *k, const char *name, json_t *data, struct error *err)
{
    return put(k, stack_create_words, name, "Opaque", data, err);
}

int stack_apply_secret(const struct kubectl *k, const char *name, const char *type, json_t *data,
                       struct error *err)
{
    return put(k, stack_apply_words, name, type, data, err);
}

static int extend_secret(const struct kubectl *k, const struct stack_secret *s, json_t *data,
                         struct error *err)
{
    const char *const args[] = {"patch",
                                "secret",
                                s->name,
                                "-n",
                                STACK_NAMESPACE,
                                "--type=merge",
                                "--patch-file=/dev/stdin",
                                NULL};
    AUTO_JSON *object = json_pack("{s:O}", "stringData", data);
    return send(k, args, object, err);
}

static int make_secret(const struct kubectl *k, const struct stack_secret *s, bool *changed,
                       struct error *err)
{
    AUTO_JSON *found = NULL;
    int r = kubectl_find(k, "secret", s->name, STACK_NAMESPACE, &found, err);
    if (r < 0)
        return r;
    AUTO_JSON *data = new_data(s, json_object_get(found, "data"));
    if (json_object_size(data) == 0)
        return 0;
    *changed = true;
    return found ? extend_secret(k, s, data, err) : stack_create_secret(k, s->name, data, err);
}

int stack_make_secrets(const struct kubectl *k, const struct stack_component *c, bool *changed,
                       struct error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < c->secret_count; i++)
        r = make_secret(k, &c->secrets[i], changed, err);
    return r < 0 ? error_prefix(err, "its secrets") : 0;
}
