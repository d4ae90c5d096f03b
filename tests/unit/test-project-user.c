#include "coordinator/project-user.h"

#include "lib/fd.h"
#include "lib/yaml.h"
#include "tests/unit/hosts-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX ((size_t) 1024 * 1024)

/* Stands for kubectl: says what a cluster would, and keeps what it was asked. */
static const char script[] = "#!/bin/sh\n"
                             "cd \"${0%/*}\" || exit 1\n"
                             "echo \"$*\" >>log\n"
                             "case \"$*\" in\n"
                             "*'config view'*) printf 'https://10.0.0.1:6443 Q0E=' ;;\n"
                             "*'create -f'*) cat >request ;;\n"
                             "*'get certificatesigningrequest'*) cat answer ;;\n"
                             "esac\n";

static const char hosts[] = "hosts: [10.0.0.11]\n"
                            "projects:\n"
                            "  - {name: risk, owners: [ada]}\n"
                            "  - {name: fraud, owners: [joe]}\n"
                            "  - {name: tax, scientists: [ada]}\n";

struct fixture {
    char *dir;
    struct kubectl k;
    struct inventory inv;
};

static void put(const struct fixture *f, const char *name, const char *text, mode_t mode)
{
    AUTO_FREE char *path = path_join(f->dir, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), mode, NULL), 0);
}

static void get(const struct fixture *f, const char *name, struct strbuf *out)
{
    AUTO_FREE char *path = path_join(f->dir, name);
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        assert_int_equal(fd_read_to_end(fd, out), 0);
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    void *dir;
    if (folder_setup(&dir) < 0 || try_hosts(hosts, &f->inv, NULL) < 0)
        return -1;
    f->dir = dir;
    f->k.program = path_join(f->dir, "kubectl");
    f->k.kubeconfig = xstrdup("admin.kubeconfig");
    put(f, "kubectl", script, 0755);
    put(f, "answer", "{\"status\":{\"certificate\":\"Q0VSVA==\"}}", 0644);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    void *dir = f->dir;
    kubectl_release(&f->k);
    inventory_release(&f->inv);
    free(f);
    return folder_teardown(&dir);
}

static int login(struct fixture *f, const char *user, const char *project, struct strbuf *out,
                 struct error *err)
{
    const struct project_login l = {.inv = &f->inv, .user = user, .project = project, .days = 2};
    *err = ERROR_INIT;
    return project_kubeconfig(&f->k, &l, out, err);
}

static void test_printed(void **state)
{
    struct fixture *f = *state;
    struct error err;
    STRBUF(out, TEXT_MAX);
    STRBUF(log, TEXT_MAX);
    STRBUF(sent, TEXT_MAX);
    CLEANUP(yaml_release) struct yaml_file file = YAML_FILE_INIT;
    if (login(f, "ada", NULL, &out, &err) < 0 ||
        yaml_parse(out.data, out.len, "kubeconfig", &file, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(yaml_get(file.root, "current-context")->text, "risk");
    const struct yaml_node *contexts = yaml_get(file.root, "contexts");
    assert_int_equal(contexts->count, 2);
    assert_string_equal(yaml_get(contexts->items[1], "name")->text, "tax");
    assert_string_equal(yaml_get(yaml_get(contexts->items[1], "context"), "namespace")->text,
                        "tax");
    const struct yaml_node *user = yaml_get(yaml_get(file.root, "users")->items[0], "user");
    assert_string_equal(yaml_get(user, "client-certificate-data")->text, "Q0VSVA==");
    const char *key = yaml_get(user, "client-key-data")->text;
    assert_true(strlen(key) > 100);
    const struct yaml_node *cluster = yaml_get(yaml_get(file.root, "clusters")->items[0],
                                               "cluster");
    assert_string_equal(yaml_get(cluster, "server")->text, "https://10.0.0.1:6443");
    assert_string_equal(yaml_get(cluster, "certificate-authority-data")->text, "Q0E=");
    get(f, "log", &log);
    get(f, "request", &sent);
    assert_non_null(strstr(log.data, "certificate approve bigtop-user-"));
    assert_non_null(strstr(log.data, "delete certificatesigningrequest bigtop-user-"));
    assert_null(strstr(log.data, key));
    assert_null(strstr(sent.data, key));
    assert_non_null(strstr(sent.data, "\"expirationSeconds\":172800"));
    assert_non_null(strstr(sent.data, "\"signerName\":\"kubernetes.io/kube-apiserver-client\""));
    assert_non_null(strstr(sent.data, "\"usages\":[\"client auth\"]"));
}

static void test_project_is_chosen(void **state)
{
    struct fixture *f = *state;
    struct error err;
    STRBUF(out, TEXT_MAX);
    assert_int_equal(login(f, "ada", "tax", &out, &err), 0);
    assert_non_null(strstr(out.data, "current-context: \"tax\""));
}

/* Before the cluster is asked for anything. */
static void test_strangers(void **state)
{
    struct fixture *f = *state;
    static const char *const cases[][3] = {
        {"eve", NULL, "eve is in no project of dir/hosts.yaml"},
        {"ada", "fraud", "ada is neither owner nor scientist of project fraud"},
        {"ada", "none", "has no project none"},
        {"$(id)", NULL, "is in no project"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err;
        STRBUF(out, TEXT_MAX);
        STRBUF(log, TEXT_MAX);
        assert_int_equal(login(f, cases[i][0], cases[i][1], &out, &err), -ENOENT);
        assert_error_has(err, cases[i][2]);
        get(f, "log", &log);
        assert_int_equal(log.len + out.len, 0);
    }
}

static void test_refused_by_the_cluster(void **state)
{
    struct fixture *f = *state;
    struct error err;
    STRBUF(out, TEXT_MAX);
    STRBUF(log, TEXT_MAX);
    put(f, "answer",
        "{\"status\":{\"conditions\":[{\"type\":\"Approved\"},{\"type\":\"Failed\",\"message\":"
        "\"no "
        "such signer\"}]}}",
        0644);
    assert_int_equal(login(f, "ada", NULL, &out, &err), -EACCES);
    assert_error_has(err, "did not sign it: no such signer");
    assert_int_equal(out.len, 0);
    get(f, "log", &log);
    assert_non_null(strstr(log.data, "delete certificatesigningrequest bigtop-user-"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_printed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_project_is_chosen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strangers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_by_the_cluster, setup, teardown),
    };
    return cmocka_run_group_tests_name("project-user", tests, NULL, NULL);
}
