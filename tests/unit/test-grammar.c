#include "lib/cleanup.h"
#include "lib/grammar.h"
#include "tests/unit/unit.h"

/* What no grammar may ever let through. */
static const char *const hostile[] = {"$(id)", "`id`",    "a b",   "a;b",  "a|b",  "a&b",
                                      "a>b",   "a\nb",    "a\tb",  "a'b",  "a\"b", "a\\b",
                                      "a*",    "\x1b[0m", "a\x7f", "\xff", "-rf",  "--help",
                                      "a$b",   "a(b",     "a{b",   "a<b",  "a!b"};

static void check(const char *what, bool (*grammar)(const char *), const char *const *good,
                  const char *const *bad)
{
    for (; *good; good++)
        if (!grammar(*good))
            fail_msg("%s: \"%s\" should be accepted", what, *good);
    for (; *bad; bad++)
        if (grammar(*bad))
            fail_msg("%s: \"%s\" should be refused", what, *bad);
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
        if (grammar(hostile[i]))
            fail_msg("%s: \"%s\" should be refused", what, hostile[i]);
}
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define A63 A60 "aaa"
#define A250 A63 "." A63 "." A63 "." A10 A10 A10 A10 A10 "aaaaaaaa"

static void host_names(void **state)
{
    (void) state;
    check("hostname", grammar_hostname,
          LIST("a", "n1", "node-1.example.com", "1a", "10.0.0.1", A63, A250 ".aa"),
          LIST("", ".", "a.", ".a", "a..b", "-a", "a-", "A", "a_b", "a/b", A63 "a", A250 ".aaaa"));
    check("node name", grammar_node_name, LIST("a", "n1", "node-1", A63),
          LIST("", "a.b", "-a", "a-", "A", A63 "a"));
}

static void addresses(void **state)
{
    (void) state;
    check("address", grammar_address,
          LIST("10.0.0.1", "fe80::1", "::1", "Node-1.Example.COM", "localhost", "1.2.3.a"),
          LIST("", "10.0.0.256", "10.0.0", "10.0.0.1.", "10.0.0.01", "1.2.3.4.5", "a@b", "[::1]",
               "::1%eth0", "10.0.0.1/8", "10.0.0.1:22", "12345", "fe80::g"));
    check("ip", grammar_ip, LIST("10.0.0.1", "::", "2001:db8::1"), LIST("", "a", "10.1", "::1::"));
    check("ipv4", grammar_ipv4, LIST("0.0.0.0", "255.255.255.255"),
          LIST("", "::1", "1.2.3", "1.2.3.4 ", " 1.2.3.4", "0x7f.0.0.1", "1.2.3.-4"));
}

static void users(void **state)
{
    (void) state;
    check("user", grammar_user, LIST("root", "_apt", "a-b_c", "u1", A10 A10 A10 "aa"),
          LIST("", "1a", "Root", "a.b", "a@b", "a$", "a:b", A10 A10 A10 "aaa"));
}

static void labels(void **state)
{
    (void) state;
    check("label key", grammar_label_key,
          LIST("a", "kubernetes.io/os", "A_b.c-9", "x/" A63, "node-role.kubernetes.io/worker"),
          LIST("", "/a", "a/", "a/b/c", "_a", "a-", "A.io/b", A63 "a", "x/" A63 "a", "a=b", "a,b"));
    check("label value", grammar_label_value, LIST("", "a", "Rack_1.b-C", "1", A63),
          LIST("-", ".a", "a_", "a/b", "a=b", A63 "a"));
}

static void interfaces(void **state)
{
    (void) state;
    /* The kernel allows nearly anything; quotes, dollars and the like never occur on real hosts. */
    for (const char *const *s = LIST("eth0", "enp3s0f1", "br-lan", "eth0.100", "a23456789012345");
         *s; s++)
        assert_true(grammar_interface(*s));
    for (const char *const *s = LIST("", ".", "..", "a/b", "a b", "a\tb", "a\nb", "a:1", "-a",
                                     "a234567890123456", "\xff");
         *s; s++)
        assert_false(grammar_interface(*s));
}

static void image_references(void **state)
{
    (void) state;
    check("image", grammar_image_ref,
          LIST("registry.k8s.io/pause:3.10", "docker.io/library/a-b__c.d_e/f---g:v1_x.y-Z",
               "localhost/a:1", "localhost:5000/a/b:_t", "10.0.0.1:5000/x:y"),
          LIST("", "pause:3.10", "library/pause:3.10", "registry.k8s.io/pause", "a.b/c:", "a.b/:t",
               "a.b//c:t", "a.b/C:t", "a.b/c_:t", "a.b/c.-d:t", "a.b/c___d:t", "a.b/c..d:t",
               "a.b/c._d:t", "a.b/c:t@sha256:00", "a.b/c:-t", "a.b/../c:t", "a.b:/c:t",
               "a.b:123456/c:t", "a.b:x/c:t", "a.b/c:t/d", "https://a.b/c:t",
               "a.b/c:" A63 A63 "aaa", "a.b/" A63 "/" A63 "/" A63 "/" A63 ":t"));
}

static void absolute_paths(void **state)
{
    (void) state;
    static const char *const good[] = {"/",    "/var/lib/x", "/a b", "/..a",
                                       "/a..", "/a/..b/c",   "/a;b"};
    static const char *const bad[] = {"",        "a",     "./a",    "/..",   "/../a", "/a/..",
                                      "/a/../b", "/a\nb", "/a\x7f", "/\x1b", "~/a"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(grammar_absolute_path(good[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (grammar_absolute_path(bad[i]))
            fail_msg("%s should be refused", bad[i]);
}

static void cidrs(void **state)
{
    (void) state;
    uint32_t net = 0;
    unsigned prefix = 99;
    assert_true(grammar_cidr4("10.244.0.0/16", &net, &prefix));
    assert_int_equal(net, 0x0af40000);
    assert_int_equal(prefix, 16);
    assert_true(grammar_cidr4("0.0.0.0/0", &net, &prefix));
    assert_true(grammar_cidr4("1.2.3.4/32", &net, &prefix));
    static const char *const bad[] = {"",
                                      "/",
                                      "/8",
                                      "10.0.0.0",
                                      "10.0.0.0/",
                                      "10.0.0.1/8",
                                      "10.0.0.0/33",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/08",
                                      "10.0.0.0/8 ",
                                      "10.0.0/8",
                                      "10.0.0.0/8/8",
                                      "::/0",
                                      "10.0.0.0/+8",
                                      "10.0.0.0/255.0.0.0",
                                      "1000.1000.1000.1000/8",
                                      "0.0.0.1/0"};
    net = 7;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (grammar_cidr4(bad[i], &net, &prefix))
            fail_msg("%s should be refused", bad[i]);
    assert_int_equal(net, 7);
}

static bool overlap(const char *a, const char *b)
{
    uint32_t net_a, net_b;
    unsigned prefix_a, prefix_b;
    assert_true(grammar_cidr4(a, &net_a, &prefix_a));
    assert_true(grammar_cidr4(b, &net_b, &prefix_b));
    assert_int_equal(cidr4_overlap(net_a, prefix_a, net_b, prefix_b),
                     cidr4_overlap(net_b, prefix_b, net_a, prefix_a));
    return cidr4_overlap(net_a, prefix_a, net_b, prefix_b);
}

static void overlaps(void **state)
{
    (void) state;
    assert_true(overlap("10.0.0.0/8", "10.244.0.0/16"));
    assert_true(overlap("10.0.0.0/8", "10.0.0.0/8"));
    assert_true(overlap("0.0.0.0/0", "192.168.1.1/32"));
    assert_false(overlap("10.244.0.0/16", "10.245.0.0/16"));
    assert_false(overlap("10.96.0.0/12", "10.112.0.0/12"));
    assert_false(overlap("1.2.3.4/32", "1.2.3.5/32"));
}

static void formats_ipv4(void **state)
{
    (void) state;
    char out[16];
    uint32_t address = 0;
    assert_true(grammar_ipv4_parse("255.254.10.0", &address));
    ipv4_format(address, out);
    assert_string_equal(out, "255.254.10.0");
}

static void macs(void **state)
{
    (void) state;
    check("mac", grammar_mac, LIST("52:54:00:12:34:56", "00:00:5E:00:53:aF"),
          LIST("", "52:54:00:12:34", "52:54:00:12:34:56:78", "52-54-00-12-34-56",
               "5254:00:12:34:567", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00",
               "52:54:00:12:34:5g", " 2:54:00:12:34:56"));
}

/* A blank may be inside, unlike anywhere else. */
static void serials(void **state)
{
    (void) state;
    static const char *const good[] = {"S3Z8NB0K", "VMware-56 4d a1", "0", "QM00001/A.b_c:d+e"};
    static const char *const bad[] = {"",       " a",   "a ",  "-a",       "a\nb",       "a\x1b[0m",
                                      "a$(id)", "a\"b", "a<b", "\xc3\xa4", A63 A63 "aaa"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(grammar_serial(good[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(grammar_serial(bad[i]));
    assert_true(grammar_serial(A63 A63 "aa"));
}

#define DIGITS_42 "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYW"

static void fingerprints(void **state)
{
    (void) state;
    check("fingerprint", grammar_fingerprint,
          LIST("SHA256:" DIGITS_42 "E", "SHA256:/+" A10 A10 A10 A10 "8"),
          LIST("", "SHA256:", "SHA256:" DIGITS_42, "SHA256:" DIGITS_42 "F",
               "SHA256:" DIGITS_42 "E=", "sha256:" DIGITS_42 "E", "MD5:" DIGITS_42 "E",
               DIGITS_42 "E", "SHA256:-_" A10 A10 A10 A10 "8"));
}

static bool is_u16(const char *s)
{
    uint16_t number;
    return grammar_u16(s, &number);
}

static void numbers(void **state)
{
    (void) state;
    uint16_t number = 7;
    check("number", is_u16, LIST("1", "22", "6443", "65535"),
          LIST("", "0", "022", "-1", "+1", " 1", "1 ", "0x1", "1e3", "65536", "99999", "100000"));
    assert_false(grammar_u16("65536", &number));
    assert_int_equal(number, 7);
    assert_true(grammar_u16("65535", &number));
    assert_int_equal(number, 65535);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_names),     cmocka_unit_test(addresses),
        cmocka_unit_test(users),          cmocka_unit_test(labels),
        cmocka_unit_test(interfaces),     cmocka_unit_test(image_references),
        cmocka_unit_test(absolute_paths), cmocka_unit_test(cidrs),
        cmocka_unit_test(overlaps),       cmocka_unit_test(formats_ipv4),
        cmocka_unit_test(macs),           cmocka_unit_test(serials),
        cmocka_unit_test(fingerprints),   cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
