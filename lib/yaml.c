#include "lib/yaml.h"

#include "lib/fd.h"
#include "lib/strbuf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <yaml.h>

#define SHOWN_MAX 40

struct limits {
    unsigned depth;
    size_t size, scalar, nodes;
};
static const struct limits of_people = {YAML_DEPTH_MAX, YAML_SIZE_MAX, YAML_SCALAR_MAX,
                                        YAML_NODES_MAX};
static const struct limits of_programs = {4 * YAML_DEPTH_MAX, 16 * YAML_SIZE_MAX, YAML_SIZE_MAX,
                                          16 * YAML_NODES_MAX};

struct reader {
    yaml_parser_t parser;
    const struct yaml_file *file;
    const char *data;
    size_t len;
    size_t nodes;
    const struct limits *max;
    struct error *err;
};

static void node_free(struct yaml_node *n)
{
    if (!n)
        return;
    for (size_t i = 0; i < n->count; i++) {
        if (n->keys)
            free(n->keys[i]);
        node_free(n->items[i]);
    }
    if (n->text)
        explicit_bzero(n->text, strlen(n->text)); /* may be a password */
    free(n->text);
    free(n->keys);
    free(n->key_lines);
    free(n->key_columns);
    free(n->items);
    free(n);
}

static void node_cleanup(struct yaml_node **n)
{
    node_free(*n);
}
#define AUTO_NODE CLEANUP(node_cleanup) struct yaml_node

void yaml_release(struct yaml_file *file)
{
    node_free(file->root);
    free(file->name);
    *file = YAML_FILE_INIT;
}

PRINTF_LIKE(5, 0)
static int error_at(const struct yaml_file *file, size_t line, size_t column, struct error *err,
                    const char *format, va_list args)
{
    STRBUF(text, ERROR_TEXT_MAX * 2);
    strbuf_vaddf(&text, format, args);
    return error_set(err, -EINVAL, "%s:%zu:%zu: %s", file->name, line, column, text.data);
}

PRINTF_LIKE(3, 4)
static int refuse(const struct reader *r, yaml_mark_t mark, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int code = error_at(r->file, mark.line + 1, mark.column + 1, r->err, format, args);
    va_end(args);
    return code;
}

/* The reader of libyaml tells an offset only. Columns count characters, as its marks do. */
static yaml_mark_t mark_of_offset(const struct reader *r, size_t offset)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset && i < r->len; i++) {
        if (r->data[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (((unsigned char) r->data[i] & 0xc0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static int refuse_syntax(const struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "not valid YAML";
    if (p->error == YAML_MEMORY_ERROR)
        abort();
    if (p->error == YAML_READER_ERROR) {
        yaml_mark_t mark = mark_of_offset(r, p->problem_offset);
        if (p->problem_value >= 0 && strstr(problem, "control"))
            return refuse(r, mark, "control character 0x%02x, expected text", p->problem_value);
        return refuse(r, mark, "%s, expected UTF-8 text", problem);
    }
    if (p->context)
        return refuse(r, p->problem_mark, "%s %s", problem, p->context);
    return refuse(r, p->problem_mark, "%s", problem);
}

static void event_release(yaml_event_t *event)
{
    yaml_event_delete(event);
}

static int next_event(struct reader *r, yaml_event_t *event)
{
    return yaml_parser_parse(&r->parser, event) ? 0 : refuse_syntax(r);
}

static int read_node(struct reader *r, const yaml_event_t *event, unsigned depth,
                     struct yaml_node **out);

static int refuse_decoration(const struct reader *r, yaml_mark_t mark, const unsigned char *anchor,
                             const unsigned char *tag)
{
    if (anchor)
        return refuse(r, mark, "anchors (&) are not allowed, write the value out");
    if (tag)
        return refuse(r, mark, "tags (!) are not allowed, write the plain value");
    return 0;
}

static int read_scalar(const struct reader *r, const yaml_event_t *e, struct yaml_node *n)
{
    const char *value = (const char *) e->data.scalar.value;
    size_t len = e->data.scalar.length;
    int code = refuse_decoration(r, e->start_mark, e->data.scalar.anchor, e->data.scalar.tag);
    if (code < 0)
        return code;
    if (len > r->max->scalar)
        return refuse(r, e->start_mark, "value of %zu bytes, expected at most %zu", len,
                      r->max->scalar);
    if (memchr(value, '\0', len))
        return refuse(r, e->start_mark, "value with a NUL character, expected text");
    n->kind = YAML_SCALAR;
    n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    n->text = xstrndup(value, len);
    return 0;
}

/* Grows at every power of two. */
static bool is_at_capacity(size_t count)
{
    return (count & (count - 1)) == 0;
}

static void add_item(struct yaml_node *n, struct yaml_node *item)
{
    if (is_at_capacity(n->count))
        n->items = xrealloc(n->items, n->count ? n->count * 2 : 1, sizeof(*n->items));
    n->items[n->count++] = item;
}

/* Goes before add_item of the value. */
static void add_key(struct yaml_node *n, const yaml_event_t *e)
{
    if (is_at_capacity(n->count)) {
        size_t room = n->count ? n->count * 2 : 1;
        n->keys = xrealloc(n->keys, room, sizeof(*n->keys));
        n->key_lines = xrealloc(n->key_lines, room, sizeof(*n->key_lines));
        n->key_columns = xrealloc(n->key_columns, room, sizeof(*n->key_columns));
    }
    n->keys[n->count] = xstrndup((const char *) e->data.scalar.value, e->data.scalar.length);
    n->key_lines[n->count] = (unsigned) e->start_mark.line + 1;
    n->key_columns[n->count] = (unsigned) e->start_mark.column + 1;
}

static int read_sequence(struct reader *r, unsigned depth, struct yaml_node *n)
{
    n->kind = YAML_SEQUENCE;
    for (;;) {
        CLEANUP(event_release) yaml_event_t event = {0};
        int code = next_event(r, &event);
        if (code < 0 || event.type == YAML_SEQUENCE_END_EVENT)
            return code;
        struct yaml_node *item = NULL;
        code = read_node(r, &event, depth + 1, &item);
        if (code < 0)
            return code;
        add_item(n, item);
    }
}

static int check_key(const struct reader *r, const yaml_event_t *e)
{
    if (e->type == YAML_ALIAS_EVENT)
        return refuse(r, e->start_mark, "aliases (*) are not allowed, write the value out");
    if (e->type != YAML_SCALAR_EVENT)
        return refuse(r, e->start_mark, "a key that is a list or a mapping, expected a plain word");
    int code = refuse_decoration(r, e->start_mark, e->data.scalar.anchor, e->data.scalar.tag);
    if (code < 0)
        return code;
    if (e->data.scalar.length == 0)
        return refuse(r, e->start_mark, "an empty key, expected a plain word");
    if (e->data.scalar.length > YAML_SCALAR_MAX ||
        memchr(e->data.scalar.value, '\0', e->data.scalar.length))
        return refuse(r, e->start_mark, "a key that is too long or holds NUL, expected a word");
    return 0;
}

struct key_place {
    const char *key;
    size_t index;
};

static int compare_places(const void *a, const void *b)
{
    const struct key_place *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Sorted and not one by one: a megabyte of keys must not take quadratic time. */
static int refuse_duplicate_keys(const struct reader *r, const struct yaml_node *n)
{
    AUTO_FREE struct key_place *places = xcalloc(n->count, sizeof(*places));
    for (size_t i = 0; i < n->count; i++)
        places[i] = (struct key_place){n->keys[i], i};
    qsort(places, n->count, sizeof(*places), compare_places);

    const struct key_place *again = NULL, *before = NULL;
    for (size_t i = 1; i < n->count; i++) {
        if (strcmp(places[i - 1].key, places[i].key) != 0 ||
            (again && again->index < places[i].index))
            continue;
        again = &places[i];
        before = &places[i - 1];
    }
    if (!again)
        return 0;
    return yaml_error_key(r->file, n, again->index, r->err,
                          "duplicate key \"%s\", it is in line %u already", again->key,
                          n->key_lines[before->index]);
}

static int read_pair(struct reader *r, unsigned depth, struct yaml_node *n, bool *end)
{
    CLEANUP(event_release) yaml_event_t key = {0};
    CLEANUP(event_release) yaml_event_t event = {0};
    int code = next_event(r, &key);
    *end = code == 0 && key.type == YAML_MAPPING_END_EVENT;
    if (code < 0 || *end)
        return code;
    code = check_key(r, &key);
    if (code == 0)
        code = next_event(r, &event);
    struct yaml_node *value = NULL;
    if (code == 0)
        code = read_node(r, &event, depth + 1, &value);
    if (code < 0)
        return code;
    add_key(n, &key);
    add_item(n, value);
    return 0;
}

static int read_mapping(struct reader *r, unsigned depth, struct yaml_node *n)
{
    n->kind = YAML_MAPPING;
    bool end = false;
    while (!end) {
        int code = read_pair(r, depth, n, &end);
        if (code < 0)
            return code;
    }
    return refuse_duplicate_keys(r, n);
}

static int read_collection(struct reader *r, const yaml_event_t *e, unsigned depth,
                           struct yaml_node *n)
{
    bool is_sequence = e->type == YAML_SEQUENCE_START_EVENT;
    int code = refuse_decoration(
        r, e->start_mark,
        is_sequence ? e->data.sequence_start.anchor : e->data.mapping_start.anchor,
        is_sequence ? e->data.sequence_start.tag : e->data.mapping_start.tag);
    if (code < 0)
        return code;
    if (depth > r->max->depth)
        return refuse(r, e->start_mark, "nested too deeply, expected at most %u levels",
                      r->max->depth);
    return is_sequence ? read_sequence(r, depth, n) : read_mapping(r, depth, n);
}

static int read_node(struct reader *r, const yaml_event_t *event, unsigned depth,
                     struct yaml_node **out)
{
    if (event->type == YAML_ALIAS_EVENT)
        return refuse(r, event->start_mark, "aliases (*) are not allowed, write the value out");
    if (++r->nodes > r->max->nodes)
        return refuse(r, event->start_mark, "too many values, expected at most %zu", r->max->nodes);
    AUTO_NODE *n = xcalloc(1, sizeof(*n));
    n->line = (unsigned) event->start_mark.line + 1;
    n->column = (unsigned) event->start_mark.column + 1;
    int code = event->type == YAML_SCALAR_EVENT ? read_scalar(r, event, n)
                                                : read_collection(r, event, depth, n);
    if (code < 0)
        return code;
    *out = TAKE_PTR(n);
    return 0;
}

/* Stream start, at most one document, stream end. */
static int read_stream(struct reader *r, struct yaml_node **root)
{
    for (;;) {
        CLEANUP(event_release) yaml_event_t event = {0};
        int code = next_event(r, &event);
        if (code < 0 || event.type == YAML_STREAM_END_EVENT)
            return code;
        if (event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_END_EVENT)
            continue;
        if (event.type != YAML_DOCUMENT_START_EVENT)
            code = read_node(r, &event, 1, root);
        else if (*root)
            code = refuse(r, event.start_mark, "a second document, expected one per file");
        if (code < 0)
            return code;
    }
}

static int parse(const char *data, size_t len, const char *name, const struct limits *max,
                 struct yaml_file *out, struct error *err)
{
    CLEANUP(yaml_release) struct yaml_file file = {.name = xstrdup(name)};
    struct reader r = {.file = &file, .data = data, .len = len, .max = max, .err = err};
    if (len > max->size)
        return yaml_error(&file, NULL, err, "file of more than %zu bytes, expected a smaller one",
                          max->size);
    if (!yaml_parser_initialize(&r.parser))
        abort();
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *) data, len);
    int code = read_stream(&r, &file.root);
    yaml_parser_delete(&r.parser);
    if (code < 0)
        return code;
    *out = file;
    file = YAML_FILE_INIT;
    return 0;
}

int yaml_parse(const char *data, size_t len, const char *name, struct yaml_file *out,
               struct error *err)
{
    return parse(data, len, name, &of_people, out, err);
}

int yaml_parse_output(const char *data, size_t len, const char *name, struct yaml_file *out,
                      struct error *err)
{
    return parse(data, len, name, &of_programs, out, err);
}

int yaml_parse_file(const char *path, struct yaml_file *out, struct error *err)
{
    CLEANUP(strbuf_release_secret) struct strbuf text;
    strbuf_init(&text, YAML_SIZE_MAX);
    int r = file_read(path, &text, err);
    if (r == -E2BIG)
        return error_set(err, -EINVAL, "%s:1:1: file of more than %d bytes, expected a smaller one",
                         path, YAML_SIZE_MAX);
    return r < 0 ? r : yaml_parse(text.data, text.len, path, out, err);
}

const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
    if (!mapping || mapping->kind != YAML_MAPPING)
        return NULL;
    for (size_t i = 0; i < mapping->count; i++)
        if (strcmp(mapping->keys[i], key) == 0)
            return mapping->items[i];
    return NULL;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

bool yaml_is_null(const struct yaml_node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    return !node || (node->kind == YAML_SCALAR && !node->quoted && is_one_of(node->text, nulls));
}

int yaml_error(const struct yaml_file *file, const struct yaml_node *node, struct error *err,
               const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int r = error_at(file, node ? node->line : 1, node ? node->column : 1, err, format, args);
    va_end(args);
    return r;
}

int yaml_error_key(const struct yaml_file *file, const struct yaml_node *mapping, size_t i,
                   struct error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int r = error_at(file, mapping->key_lines[i], mapping->key_columns[i], err, format, args);
    va_end(args);
    return r;
}

static bool is_boolean(const char *s)
{
    static const char *const booleans[] = {"true", "True", "TRUE", "false", "False", "FALSE", NULL};
    return is_one_of(s, booleans);
}

/* YAML 1.2.2, 10.3.2: the numbers of the core schema. */
static bool is_number(const char *s)
{
    static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
    if (s[0] == '0' && (s[1] == 'o' || s[1] == 'x') && s[2])
        return s[2 + strspn(s + 2, s[1] == 'o' ? "01234567" : "0123456789abcdefABCDEF")] == '\0';
    if (*s == '-' || *s == '+')
        s++;
    if (is_one_of(s, words))
        return true;
    size_t whole = strspn(s, "0123456789");
    s += whole;
    size_t fraction = *s == '.' ? strspn(s + 1, "0123456789") : 0;
    if (whole + fraction == 0)
        return false;
    if (*s == '.')
        s += 1 + fraction;
    if (*s != 'e' && *s != 'E')
        return *s == '\0';
    s++;
    if (*s == '-' || *s == '+')
        s++;
    return *s && s[strspn(s, "0123456789")] == '\0';
}

bool yaml_is_boolean(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && !node->quoted && is_boolean(node->text);
}

bool yaml_is_number(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && !node->quoted && is_number(node->text);
}

static const char *kind_of(const struct yaml_node *n)
{
    if (yaml_is_null(n))
        return "nothing";
    if (n->kind != YAML_SCALAR)
        return n->kind == YAML_SEQUENCE ? "a list" : "a mapping";
    if (yaml_is_boolean(n))
        return "a boolean";
    return yaml_is_number(n) ? "a number" : "a string";
}

int yaml_string(const struct yaml_file *f, const struct yaml_node *n, const char **out,
                struct error *err)
{
    const char *kind = kind_of(n);
    if (strcmp(kind, "a string") == 0) {
        *out = n->text;
        return 0;
    }
    /* The value is not shown: it may be a password. */
    bool quotable = !yaml_is_null(n) && n->kind == YAML_SCALAR;
    return yaml_error(f, n, err, "found %s, expected a string%s", kind,
                      quotable ? " (put it in quotes)" : "");
}

static void add_found(struct strbuf *out, const struct yaml_node *n)
{
    strbuf_adds(out, kind_of(n));
    if (yaml_is_null(n) || n->kind != YAML_SCALAR)
        return;
    size_t len = strlen(n->text);
    strbuf_adds(out, " \"");
    strbuf_add_printable(out, n->text, len < SHOWN_MAX ? len : SHOWN_MAX);
    strbuf_adds(out, len < SHOWN_MAX ? "\"" : "…\"");
}

static int parse_decimal(const char *s, int64_t *out)
{
    const char *digits = *s == '-' ? s + 1 : s;
    size_t len = strlen(digits);
    if (len == 0 || digits[strspn(digits, "0123456789")] || (digits[0] == '0' && len > 1))
        return -EINVAL;
    errno = 0;
    *out = strtoll(s, NULL, 10);
    return errno ? -errno : 0;
}

int yaml_int(const struct yaml_file *f, const struct yaml_node *n, int64_t min, int64_t max,
             int64_t *out, struct error *err)
{
    int64_t value = 0;
    int r = -EINVAL;
    if (!yaml_is_null(n) && n->kind == YAML_SCALAR && !n->quoted)
        r = parse_decimal(n->text, &value);
    if (r == 0 && value >= min && value <= max) {
        *out = value;
        return 0;
    }
    STRBUF(found, 8 * SHOWN_MAX);
    add_found(&found, n);
    return yaml_error(f, n, err, "found %s, expected a decimal number from %" PRId64 " to %" PRId64,
                      found.data, min, max);
}

int yaml_bool(const struct yaml_file *f, const struct yaml_node *n, bool *out, struct error *err)
{
    static const char *const yes[] = {"yes", "Yes", "YES",  "on",   "On",
                                      "ON",  "y",   "True", "TRUE", NULL};
    static const char *const no[] = {"no",  "No", "NO",    "off",   "Off",
                                     "OFF", "n",  "False", "FALSE", NULL};
    bool plain = !yaml_is_null(n) && n->kind == YAML_SCALAR && !n->quoted;
    if (plain && (strcmp(n->text, "true") == 0 || strcmp(n->text, "false") == 0)) {
        *out = n->text[0] == 't';
        return 0;
    }
    const char *hint = "";
    if (plain && is_one_of(n->text, yes))
        hint = " (write true)";
    if (plain && is_one_of(n->text, no))
        hint = " (write false)";
    STRBUF(found, 8 * SHOWN_MAX);
    add_found(&found, n);
    return yaml_error(f, n, err, "found %s, expected true or false%s", found.data, hint);
}
