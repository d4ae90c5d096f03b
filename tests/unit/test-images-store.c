#include "agent/images-store.h"
#include "tests/unit/unit.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define TYPE "application/vnd.oci.image.manifest.v1+json"

/* As ctr v2.1.5 prints it: columns by blanks. */
static const char check_text[] =
    "REF                       TYPE  DIGEST   STATUS         SIZE              UNPACKED \n"
    "registry.k8s.io/pause:3.10 " TYPE " " DIGEST_A " complete (2/2)  1.0 MiB/1.0 MiB   true     \n"
    "docker.io/library/x:1      " TYPE " " DIGEST_B
    " incomplete (1/3) 1.0 MiB/9.0 MiB  false    \n";

static const char list_text[] =
    "REF                       TYPE  DIGEST   SIZE   PLATFORMS   LABELS \n"
    "registry.k8s.io/pause:3.10 " TYPE " " DIGEST_A " 1.0 MiB linux/amd64 "
    "io.cri-containerd.image=managed,io.cri-containerd.pinned=pinned \n"
    "docker.io/library/x:1      " TYPE " " DIGEST_B " 9.0 MiB linux/amd64 - \n"
    "unknown/y:1 " TYPE " " DIGEST_B " 1 B - io.cri-containerd.pinned=pinned \n";

static void reads_what_ctr_prints(void **state)
{
    (void) state;
    AUTO_JSON *images = json_object();
    images_parse_check(check_text, images);
    images_parse_labels(list_text, images);
    assert_int_equal(json_object_size(images), 2);
    const json_t *pause = json_object_get(images, "registry.k8s.io/pause:3.10");
    assert_string_equal(json_get_string(pause, "digest", ""), DIGEST_A);
    assert_true(json_get_bool(pause, "complete", false));
    assert_true(json_get_bool(pause, "pinned", false));
    const json_t *other = json_object_get(images, "docker.io/library/x:1");
    assert_false(json_get_bool(other, "complete", true));
    assert_false(json_get_bool(other, "pinned", true));
}

static void nothing_is_known_from_other_text(void **state)
{
    (void) state;
    AUTO_JSON *images = json_object();
    images_parse_check("ctr: something went wrong\n\na b c d e f\n", images);
    images_parse_labels(list_text, images);
    assert_int_equal(json_object_size(images), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_ctr_prints),
        cmocka_unit_test(nothing_is_known_from_other_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
