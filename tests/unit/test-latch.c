#include "coordinator/latch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_open_before_wait(void **state)
{
    (void) state;
    struct latch l;
    latch_init(&l, "the API");
    latch_open(&l);
    assert_int_equal(latch_wait(&l, 0, NULL, NULL), 0);
    latch_release(&l);
}

static void test_first_outcome_counts(void **state)
{
    (void) state;
    struct latch l;
    struct error why = {.code = -EIO, .text = "disk on fire"}, err = ERROR_INIT;
    latch_init(&l, "the API of n1");
    latch_fail(&l, &why);
    latch_open(&l);
    assert_int_equal(latch_wait(&l, 1000, NULL, &err), -EIO);
    assert_string_equal(err.text, "waiting for the API of n1: disk on fire");
    latch_release(&l);
}

static void test_deadline(void **state)
{
    (void) state;
    struct latch l;
    struct error err = ERROR_INIT;
    latch_init(&l, "n2 to join");
    assert_int_equal(latch_wait(&l, 20, NULL, &err), -ETIMEDOUT);
    assert_non_null(strstr(err.text, "n2 to join"));
    latch_release(&l);
}

static void test_cancel(void **state)
{
    (void) state;
    struct latch l;
    bool cancel = true;
    latch_init(&l, "n2 to join");
    assert_int_equal(latch_wait(&l, 60000, &cancel, NULL), -ECANCELED);
    latch_release(&l);
}

static void *open_later(void *latch)
{
    usleep(20000);
    latch_open(latch);
    return NULL;
}

static void *wait_for_it(void *latch)
{
    return latch_wait(latch, 10000, NULL, NULL) == 0 ? latch : NULL;
}

static void test_wakes_all(void **state)
{
    (void) state;
    struct latch l;
    pthread_t opener, waiters[8];
    latch_init(&l, "the API");
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&waiters[i], NULL, wait_for_it, &l), 0);
    assert_int_equal(pthread_create(&opener, NULL, open_later, &l), 0);
    for (size_t i = 0; i < 8; i++) {
        void *result = NULL;
        pthread_join(waiters[i], &result);
        assert_ptr_equal(result, &l);
    }
    pthread_join(opener, NULL);
    latch_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_before_wait), cmocka_unit_test(test_first_outcome_counts),
        cmocka_unit_test(test_deadline),         cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_wakes_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
