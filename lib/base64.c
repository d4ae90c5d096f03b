#include "lib/base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct strbuf *out, const void *data, size_t len, bool padding)
{
    const unsigned char *in = data;

    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t) in[i] << 16;
        char quad[4] = {'=', '=', '=', '='};

        if (n > 1)
            bits |= (uint32_t) in[i + 1] << 8;
        if (n > 2)
            bits |= in[i + 2];
        for (size_t k = 0; k <= n; k++)
            quad[k] = alphabet[bits >> (18 - 6 * k) & 63];
        strbuf_add(out, quad, padding ? 4 : n + 1);
    }
}

static int decode_quad(struct strbuf *out, const char quad[4])
{
    uint32_t bits = 0;
    size_t n = 4;

    while (n > 2 && quad[n - 1] == '=')
        n--;
    for (size_t k = 0; k < n; k++) {
        const char *at = quad[k] ? strchr(alphabet, quad[k]) : NULL;
        if (!at)
            return -EINVAL;
        bits |= (uint32_t) (at - alphabet) << (18 - 6 * k);
    }
    if (bits & (n == 2 ? 0xffff : n == 3 ? 0xff : 0))
        return -EINVAL;
    unsigned char bytes[3] = {(unsigned char) (bits >> 16), (unsigned char) (bits >> 8),
                              (unsigned char) bits};
    return strbuf_add(out, bytes, n - 1);
}

int base64_decode(struct strbuf *out, const char *text, size_t len)
{
    if (len % 4)
        return -EINVAL;
    for (size_t i = 0; i < len; i += 4) {
        if (i + 4 < len && text[i + 3] == '=')
            return -EINVAL;
        int r = decode_quad(out, text + i);
        if (r < 0)
            return r;
    }
    return 0;
}
