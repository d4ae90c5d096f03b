#include "images/launcher/thrift.h"

#include "lib/fd.h"
#include "lib/strbuf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#define METHOD_MAX 255
#define VERSION_CALL 0x80010001
#define VERSION_REPLY 0x80010002
#define VERSION_EXCEPTION 0x80010003
#define SEQUENCE 1
#define TYPE_STOP 0 /* ends a struct, such as that of the arguments */
#define FIELD_RESULT 0

static void add_number(struct strbuf *b, uint32_t value)
{
    uint32_t n = htonl(value);
    strbuf_add(b, &n, sizeof(n));
}

static uint32_t number(const uint8_t *bytes)
{
    uint32_t n;
    memcpy(&n, bytes, sizeof(n));
    return ntohl(n);
}

/* The reply repeats name and sequence; then comes a struct of one field: 0 is the result, others
 * are the exceptions that the method declares. A method without a result gives an empty one. */
static int read_reply(int fd, const char *method, struct error *err)
{
    uint8_t head[4 + 4], rest[METHOD_MAX + 4 + 3];
    size_t len = strlen(method);
    int r = tcp_read(fd, head, sizeof(head));
    if (r == 0 && number(head) == VERSION_EXCEPTION)
        return error_set(err, -EBADMSG, "%s: the service refuses it", method);
    if (r == 0 && (number(head) != VERSION_REPLY || number(head + 4) != len))
        return error_set(err, -EBADMSG, "%s: no answer of Thrift", method);
    if (r == 0)
        r = tcp_read(fd, rest, len + 4 + 1);
    if (r == 0 && (memcmp(rest, method, len) != 0 || number(rest + len) != SEQUENCE))
        return error_set(err, -EBADMSG, "%s: an answer to another call", method);
    if (r == 0 && rest[len + 4] != TYPE_STOP)
        r = tcp_read(fd, rest + len + 4 + 1, 2);
    if (r < 0)
        return error_errno(err, r, "%s: read the answer", method);
    if (rest[len + 4] != TYPE_STOP && (rest[len + 5] << 8 | rest[len + 6]) != FIELD_RESULT)
        return error_set(err, -EBADMSG, "%s: it failed", method);
    return 0;
}

int thrift_call(const struct tcp_address *a, const char *method, struct error *err)
{
    STRBUF(call, 4 + 4 + METHOD_MAX + 4 + 1);
    size_t len = strlen(method);
    if (len == 0 || len > METHOD_MAX)
        return error_set(err, -EINVAL, "expected the name of a method, not \"%s\"", method);
    add_number(&call, VERSION_CALL);
    add_number(&call, (uint32_t) len);
    strbuf_add(&call, method, len);
    add_number(&call, SEQUENCE);
    strbuf_addc(&call, TYPE_STOP);
    AUTO_FD fd = tcp_connect(a, err);
    if (fd < 0)
        return fd;
    int r = fd_write_all(fd, call.data, call.len);
    return r < 0 ? error_errno(err, r, "call %s", method) : read_reply(fd, method, err);
}
