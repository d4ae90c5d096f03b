#include "lib/protocol.h"
#include "tests/unit/unit.h"

#include <errno.h>

static void decoder_cleanup(struct frame_decoder *d)
{
    frame_decoder_release(d);
}
#define DECODER(name) \
    CLEANUP(decoder_cleanup) struct frame_decoder name; \
    frame_decoder_init(&name)

static void add_frame(struct strbuf *out, enum frame_type type, const char *payload)
{
    unsigned char header[PROTOCOL_HEADER];
    frame_header(type, strlen(payload), header);
    strbuf_add(out, header, sizeof(header));
    strbuf_adds(out, payload);
}

static void assert_frame(struct frame_decoder *d, enum frame_type type, const char *payload)
{
    struct frame f;
    assert_int_equal(frame_decoder_next(d, &f, NULL), 1);
    assert_int_equal(f.type, type);
    assert_int_equal(f.len, strlen(payload));
    assert_memory_equal(f.data, payload, f.len);
}

static void header_counts_the_type(void **state)
{
    (void) state;
    unsigned char header[PROTOCOL_HEADER];
    frame_header(FRAME_BYTES, 0x010203, header);
    assert_memory_equal(header, "\0\1\2\4B", 5);
}

static void decodes_many_frames_at_once(void **state)
{
    (void) state;
    DECODER(d);
    STRBUF(wire, 1000);
    add_frame(&wire, FRAME_JSON, "{\"id\":1}");
    add_frame(&wire, FRAME_BYTES, "");
    add_frame(&wire, FRAME_BYTES, "bytes");
    struct frame f;
    assert_int_equal(frame_decoder_next(&d, &f, NULL), 0);
    assert_int_equal(frame_decoder_feed(&d, wire.data, wire.len, NULL), 0);
    assert_frame(&d, FRAME_JSON, "{\"id\":1}");
    assert_frame(&d, FRAME_BYTES, "");
    assert_frame(&d, FRAME_BYTES, "bytes");
    assert_int_equal(frame_decoder_next(&d, &f, NULL), 0);
}

static void decodes_byte_by_byte(void **state)
{
    (void) state;
    DECODER(d);
    STRBUF(wire, 1000);
    add_frame(&wire, FRAME_JSON, "{\"a\":\"b\"}");
    add_frame(&wire, FRAME_BYTES, "xyz");
    size_t frames = 0;
    for (size_t i = 0; i < wire.len; i++) {
        struct frame f;
        assert_int_equal(frame_decoder_feed(&d, wire.data + i, 1, NULL), 0);
        while (frame_decoder_next(&d, &f, NULL) == 1) {
            assert_memory_equal(f.data, frames == 0 ? "{\"a\":\"b\"}" : "xyz", f.len);
            frames++;
        }
        assert_int_equal(frames, (i >= 13) + (i == wire.len - 1));
    }
    assert_int_equal(frames, 2);
}

static void decodes_the_largest_frame_and_goes_on(void **state)
{
    (void) state;
    DECODER(d);
    size_t len = PROTOCOL_BYTES_MAX, piece = 100000;
    AUTO_FREE char *data = xcalloc(len, 1);
    memset(data, 'm', len);
    for (int round = 0; round < 3; round++) {
        unsigned char header[PROTOCOL_HEADER];
        frame_header(FRAME_BYTES, len, header);
        assert_int_equal(frame_decoder_feed(&d, header, sizeof(header), NULL), 0);
        for (size_t i = 0; i < len; i += piece)
            assert_int_equal(
                frame_decoder_feed(&d, data + i, len - i < piece ? len - i : piece, NULL), 0);
        struct frame f;
        assert_int_equal(frame_decoder_next(&d, &f, NULL), 1);
        assert_int_equal(f.len, len);
        assert_memory_equal(f.data, data, len);
        assert_int_equal(frame_decoder_next(&d, &f, NULL), 0);
    }
}

static void check_refused(const unsigned char header[PROTOCOL_HEADER], const char *why)
{
    DECODER(d);
    struct error err = ERROR_INIT;
    struct frame f;
    for (int i = 0; i < PROTOCOL_HEADER - 1; i++)
        assert_int_equal(frame_decoder_feed(&d, header + i, 1, &err), 0);
    assert_int_equal(frame_decoder_feed(&d, header + PROTOCOL_HEADER - 1, 1, &err), -EPROTO);
    assert_error_has(err, why);
    assert_int_equal(d.buf.len, 0); /* nothing of it was stored */
    assert_int_equal(frame_decoder_feed(&d, "\0\0\0\1B", 5, &err), -EPROTO);
    assert_int_equal(frame_decoder_next(&d, &f, &err), -EPROTO);
}

static void refuses_bad_headers(void **state)
{
    (void) state;
    unsigned char header[PROTOCOL_HEADER];
    check_refused((const unsigned char *) "\x40\0\0\0J", "1073741824 bytes");
    check_refused((const unsigned char *) "\xff\xff\xff\xff"
                                          "B",
                  "announced");
    check_refused((const unsigned char *) "\0\0\0\0J", "0 bytes");
    check_refused((const unsigned char *) "\0\0\0\5X", "unknown type 0x58");
    check_refused((const unsigned char *) "HTTP/", "unknown type 0x2f");
    frame_header(FRAME_JSON, PROTOCOL_JSON_MAX + 1, header);
    check_refused(header, "announced");
    frame_header(FRAME_BYTES, PROTOCOL_BYTES_MAX + 1, header);
    check_refused(header, "announced");
}

static void refuses_a_type_that_is_not_for_this_peer(void **state)
{
    (void) state;
    struct error err = ERROR_INIT;
    DECODER(d);
    STRBUF(wire, 100);
    d.refused = FRAME_BYTES;
    add_frame(&wire, FRAME_CHUNK, "0001bytes");
    assert_int_equal(frame_decoder_feed(&d, wire.data, wire.len, &err), 0);
    assert_frame(&d, FRAME_CHUNK, "0001bytes");
    strbuf_reset(&wire);
    add_frame(&wire, FRAME_BYTES, "bytes");
    assert_int_equal(frame_decoder_feed(&d, wire.data, PROTOCOL_HEADER, &err), -EPROTO);
}

static void gives_whole_frames_before_a_bad_one(void **state)
{
    (void) state;
    DECODER(d);
    STRBUF(wire, 1000);
    struct error err = ERROR_INIT;
    struct frame f;
    add_frame(&wire, FRAME_JSON, "{}");
    strbuf_add(&wire, "\x7f\0\0\0J", 5);
    assert_int_equal(frame_decoder_feed(&d, wire.data, wire.len, &err), -EPROTO);
    assert_frame(&d, FRAME_JSON, "{}");
    assert_int_equal(frame_decoder_next(&d, &f, &err), -EPROTO);
}

static void refuses_to_hoard(void **state)
{
    (void) state;
    DECODER(d);
    AUTO_FREE char *data = xcalloc(PROTOCOL_BYTES_MAX, 1);
    struct error err = ERROR_INIT;
    unsigned char header[PROTOCOL_HEADER];
    frame_header(FRAME_BYTES, PROTOCOL_BYTES_MAX, header);
    STRBUF(wire, 64 << 20);
    for (int i = 0; i < 3; i++) {
        strbuf_add(&wire, header, sizeof(header));
        strbuf_add(&wire, data, PROTOCOL_BYTES_MAX);
    }
    assert_int_equal(frame_decoder_feed(&d, wire.data, wire.len, &err), -EPROTO);
    assert_true(d.buf.cap <= 2 * (PROTOCOL_HEADER + PROTOCOL_BYTES_MAX) + 1);
}

static void encodes_json(void **state)
{
    (void) state;
    DECODER(d);
    STRBUF(wire, 1000);
    AUTO_JSON *message = json_pack("{s:i,s:s}", "id", 7, "call", "hello");
    assert_int_equal(frame_encode_json(&wire, message, NULL), 0);
    assert_int_equal(frame_decoder_feed(&d, wire.data, wire.len, NULL), 0);
    assert_frame(&d, FRAME_JSON, "{\"id\":7,\"call\":\"hello\"}");
}

static void does_not_send_what_is_too_long(void **state)
{
    (void) state;
    STRBUF(wire, 1 << 20);
    AUTO_FREE char *text = xcalloc(PROTOCOL_JSON_MAX, 1);
    memset(text, 'x', PROTOCOL_JSON_MAX - 9);
    AUTO_JSON *fits = json_pack("{s:s}", "abc", text); /* {"abc":"…"}: 10 more, one too many */
    struct error err = ERROR_INIT;
    assert_int_equal(frame_encode_json(&wire, fits, &err), -E2BIG);
    assert_int_equal(wire.len, 0);
    text[PROTOCOL_JSON_MAX - 10] = '\0';
    AUTO_JSON *shorter = json_pack("{s:s}", "abc", text);
    assert_int_equal(frame_encode_json(&wire, shorter, &err), 0);
    assert_int_equal(wire.len, PROTOCOL_HEADER + PROTOCOL_JSON_MAX);
}

static void errors_cross_the_wire(void **state)
{
    (void) state;
    struct error sent = ERROR_INIT, got = ERROR_INIT;
    error_set(&sent, -ENOSPC, "write \xc3\xbc");
    error_remedy(&sent, "free some room");
    AUTO_JSON *j = error_to_json(&sent);
    error_from_json(j, &got);
    assert_int_equal(got.code, -ENOSPC);
    assert_string_equal(got.text, "write \xc3\xbc");
    assert_string_equal(got.remedy, "free some room");
}

static void a_cut_character_does_not_lose_the_error(void **state)
{
    (void) state;
    struct error sent = ERROR_INIT, got = ERROR_INIT;
    error_set(&sent, -EIO, "half \xc3");
    AUTO_JSON *j = error_to_json(&sent);
    error_from_json(j, &got);
    assert_string_equal(got.text, "half \\xc3");
}

static void errors_from_a_peer_are_made_safe(void **state)
{
    (void) state;
    struct error got = ERROR_INIT;
    AUTO_JSON *hostile = json_pack("{s:i,s:s}", "code", 5, "text", "\x1b]0;owned\x07\n");
    error_from_json(hostile, &got);
    assert_int_equal(got.code, -EIO);
    assert_string_equal(got.text, "\\x1b]0;owned\\x07\\x0a");
    AUTO_JSON *odd = json_pack("{s:s,s:i}", "code", "x", "text", 1);
    error_from_json(odd, &got);
    assert_int_equal(got.code, -EIO);
    assert_true(strlen(got.text) > 0);
    error_from_json(NULL, &got);
    assert_int_equal(got.code, -EIO);

    AUTO_FREE char *text = xcalloc(60000, 1);
    memset(text, 'x', 59999);
    AUTO_JSON *lengthy = json_pack("{s:i,s:s,s:s}", "code", -5, "text", text, "remedy", text);
    error_from_json(lengthy, &got);
    assert_true(strlen(got.text) < ERROR_TEXT_MAX);
    assert_true(strlen(got.text) > ERROR_TEXT_MAX - 10);
    assert_true(strlen(got.remedy) < ERROR_REMEDY_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_counts_the_type),
        cmocka_unit_test(decodes_many_frames_at_once),
        cmocka_unit_test(decodes_byte_by_byte),
        cmocka_unit_test(decodes_the_largest_frame_and_goes_on),
        cmocka_unit_test(refuses_bad_headers),
        cmocka_unit_test(refuses_a_type_that_is_not_for_this_peer),
        cmocka_unit_test(gives_whole_frames_before_a_bad_one),
        cmocka_unit_test(refuses_to_hoard),
        cmocka_unit_test(encodes_json),
        cmocka_unit_test(does_not_send_what_is_too_long),
        cmocka_unit_test(errors_cross_the_wire),
        cmocka_unit_test(a_cut_character_does_not_lose_the_error),
        cmocka_unit_test(errors_from_a_peer_are_made_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
