#include "agent/fstab.h"
#include "tests/unit/unit.h"

static size_t rewrite(const char *text, struct strbuf *out)
{
    strbuf_reset(out);
    return fstab_without_swap(text, strlen(text), out);
}

static void comments_swap_and_keeps_every_other_byte(void **state)
{
    (void) state;
    STRBUF(out, 4096);
    const char *before = "# a swap comment\n"
                         "UUID=1 / ext4  defaults,x-swap 0 1\n"
                         "\t/dev/sda2\tnone\tswap\tsw 0 0\n"
                         "\n"
                         "/swap.img none swap sw 0 0";
    const char *after = "# a swap comment\n"
                        "UUID=1 / ext4  defaults,x-swap 0 1\n" FSTAB_COMMENT
                        "\t/dev/sda2\tnone\tswap\tsw 0 0\n"
                        "\n" FSTAB_COMMENT "/swap.img none swap sw 0 0";
    assert_int_equal(rewrite(before, &out), 2);
    assert_string_equal(out.data, after);
}

static void what_it_wrote_it_leaves(void **state)
{
    (void) state;
    STRBUF(once, 4096);
    STRBUF(twice, 4096);
    assert_int_equal(rewrite("/dev/sda2 none swap sw 0 0\n", &once), 1);
    assert_int_equal(rewrite(once.data, &twice), 0);
    assert_string_equal(once.data, twice.data);
}

static void only_the_type_counts(void **state)
{
    (void) state;
    static const char *const others[] = {
        "/dev/mapper/swap /swap ext4 swap 0 0\n",
        "swap swap swapfs sw\n",
        "swap\n",
        "a b\n",
        "   #/dev/sda2 none swap sw\n",
        "a b swa\n",
        "",
    };
    STRBUF(out, 4096);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_int_equal(rewrite(others[i], &out), 0);
        assert_string_equal(out.data, others[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comments_swap_and_keeps_every_other_byte),
        cmocka_unit_test(what_it_wrote_it_leaves),
        cmocka_unit_test(only_the_type_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
