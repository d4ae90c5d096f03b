#include "coordinator/project-grant.h"

#include "coordinator/project.h"
#include "lib/base64.h"
#include "tests/unit/unit.h"

#define SECRET "0123456789abcdef0123456789abcdef01234567"

static char risk_name[] = "risk", storage[] = "1Gi";
static const struct project risk = {.name = risk_name, .storage = storage};
static const struct project open_risk = {.name = risk_name};

static json_t *secret_with(const struct project_grant *g, const char *password)
{
    STRBUF(text, 1024);
    base64_encode(&text, password, strlen(password), true);
    return json_pack("{s:{s:s}}", "data", g->password, text.data);
}

static void test_password_is_kept(void **state)
{
    (void) state;
    static const char *const bad[] = {"",
                                      "short",
                                      SECRET "0",
                                      SECRET "\nadmin",
                                      "0123456789abcdef0123456789abcdef0123456\n",
                                      "0123456789abcdef0123456789abcdef0123456\""};
    char out[PROJECT_PASSWORD_LEN + 1];
    for (size_t i = 0; project_grants[i]; i++) {
        AUTO_JSON *secret = secret_with(project_grants[i], SECRET);
        project_password(project_grants[i], secret, out);
        assert_string_equal(out, SECRET);
    }
    /* What an owner wrote would be a line of an order, or a word of a file. */
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTO_JSON *secret = secret_with(&project_bucket, bad[i]);
        project_password(&project_bucket, secret, out);
        assert_int_equal(strlen(out), PROJECT_PASSWORD_LEN);
        assert_int_equal(strspn(out, "0123456789abcdef"), PROJECT_PASSWORD_LEN);
        assert_string_not_equal(out, SECRET);
    }
}

static void test_passwords_differ(void **state)
{
    (void) state;
    char a[PROJECT_PASSWORD_LEN + 1], b[PROJECT_PASSWORD_LEN + 1];
    project_password(&project_bucket, NULL, a);
    project_password(&project_bucket, NULL, b);
    assert_string_not_equal(a, b);
}

static void assert_order(const struct project_grant *g, const struct project *p,
                         enum project_deed deed, const char *text)
{
    AUTO_PROJECT_ORDER o = {0};
    project_order_begin(&o, g);
    assert_string_equal(o.conf.data, g->head);
    g->add(&o, p, SECRET, deed);
    assert_string_equal(o.conf.data + strlen(g->head), text);
    assert_null(strstr(o.conf.data, SECRET));
}

static void test_bucket(void **state)
{
    (void) state;
    assert_order(&project_bucket, &risk, PROJECT_GIVE,
                 "feed /etc/launch/risk.key mc --quiet admin user add s project-risk\n"
                 "run mc --quiet mb --ignore-existing s/project-risk\n"
                 "run mc --quiet admin policy create s project-risk /etc/launch/risk.policy\n"
                 "run mc --quiet admin policy attach s project-risk --user project-risk\n"
                 "run mc --quiet quota set s/project-risk --size 1073741824\n");
    assert_order(&project_bucket, &risk, PROJECT_TAKE,
                 "feed /etc/launch/risk.key mc --quiet admin user add s project-risk\n"
                 "run mc --quiet admin user remove s project-risk\n"
                 "run mc --quiet admin policy remove s project-risk\n");
    assert_order(&project_bucket, &risk, PROJECT_DELETE,
                 "feed /etc/launch/risk.key mc --quiet admin user add s project-risk\n"
                 "run mc --quiet admin user remove s project-risk\n"
                 "run mc --quiet admin policy remove s project-risk\n"
                 "run mc --quiet rb --force s/project-risk\n");
}

static void test_bucket_without_quota(void **state)
{
    (void) state;
    AUTO_PROJECT_ORDER o = {0};
    project_order_begin(&o, &project_bucket);
    project_bucket.add(&o, &open_risk, SECRET, PROJECT_GIVE);
    assert_non_null(strstr(o.conf.data, "run mc --quiet quota clear s/project-risk\n"));
    assert_null(strstr(o.conf.data, "quota set"));
}

/* All that the policy names is below the project's bucket, and nothing is open. */
static void test_policy(void **state)
{
    (void) state;
    AUTO_PROJECT_ORDER o = {0};
    struct error err = ERROR_INIT;
    size_t i, k;
    json_t *statement, *action;
    project_order_begin(&o, &project_bucket);
    project_bucket.add(&o, &risk, SECRET, PROJECT_GIVE);
    const char *text = json_get_string(o.files, "risk.policy", "");
    AUTO_JSON *policy = json_parse(text, strlen(text), "policy", &err);
    const json_t *statements = json_object_get(policy, "Statement");
    assert_int_equal(json_array_size(statements), 2);
    json_array_foreach(statements, i, statement) {
        const json_t *resources = json_object_get(statement, "Resource");
        assert_string_equal(json_string_value(json_array_get(resources, 0)),
                            i == 0 ? "arn:aws:s3:::project-risk" : "arn:aws:s3:::project-risk/*");
        assert_int_equal(json_array_size(resources), 1);
        json_array_foreach(json_object_get(statement, "Action"), k, action) {
            const char *name = json_string_value(action);
            assert_memory_equal(name, "s3:", 3);
            assert_null(strchr(name, '*'));
            assert_null(strstr(name, "Policy"));
            assert_null(strstr(name, "DeleteBucket"));
        }
    }
    assert_string_equal(json_get_string(o.files, "risk.key", ""), SECRET "\n");
    assert_int_equal(json_object_size(o.files), 2);
}

#define AS_ADMIN " --bootstrap-server kafka:9092 --command-config /etc/kafka/admin.properties"
#define USER \
    "run java kafka.admin.ConfigCommand" AS_ADMIN \
    " --alter --entity-type users --entity-name project-risk"
#define ADD_USER USER " --add-config-file /etc/launch/risk.scram\n"
#define ACLS "run java org.apache.kafka.tools.AclCommand" AS_ADMIN
#define WHAT \
    " --allow-principal User:project-risk --operation All --topic risk. --group risk. " \
    "--transactional-id risk. --resource-pattern-type prefixed\n"

static void test_topics(void **state)
{
    (void) state;
    assert_order(&project_topics, &risk, PROJECT_GIVE, ADD_USER ACLS " --add" WHAT);
    assert_order(&project_topics, &risk, PROJECT_TAKE,
                 ADD_USER ACLS " --remove --force" WHAT USER " --delete-config SCRAM-SHA-512\n");
    assert_order(&project_topics, &risk, PROJECT_DELETE,
                 ADD_USER ACLS " --remove --force" WHAT USER " --delete-config SCRAM-SHA-512\n"
                               "run java org.apache.kafka.tools.TopicCommand" AS_ADMIN
                               " --delete --if-exists --topic risk[.].*\n");
    AUTO_PROJECT_ORDER o = {0};
    project_order_begin(&o, &project_topics);
    project_topics.add(&o, &risk, SECRET, PROJECT_GIVE);
    assert_string_equal(json_get_string(o.files, "risk.scram", ""),
                        "SCRAM-SHA-512=iterations=8192,password=" SECRET "\n");
}

/* None is the beginning of another's, whatever the names are. */
static void test_prefixes(void **state)
{
    (void) state;
    static char names[][8] = {"a", "a-b", "ab", "a-b-c", "a1"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
            const struct project p = {.name = names[i]}, q = {.name = names[k]};
            AUTO_JSON *a = project_topics.tell(&p, SECRET);
            AUTO_JSON *b = project_topics.tell(&q, SECRET);
            const char *prefix = json_get_string(a, "prefix", "");
            bool begins = strncmp(json_get_string(b, "prefix", ""), prefix, strlen(prefix)) == 0;
            assert_int_equal(begins, i == k);
        }
}

static void test_mark(void **state)
{
    (void) state;
    char mark[DIGEST_SIZE], other[DIGEST_SIZE];
    static char more[] = "2Gi";
    struct project larger = risk;
    larger.storage = more;
    project_mark(&project_bucket, &risk, SECRET, "uid-1", mark);
    project_mark(&project_bucket, &risk, SECRET, "uid-1", other);
    assert_string_equal(mark, other);
    project_mark(&project_bucket, &risk, SECRET, "uid-2", other);
    assert_string_not_equal(mark, other);
    project_mark(&project_bucket, &risk, "1" SECRET, "uid-1", other);
    assert_string_not_equal(mark, other);
    project_mark(&project_bucket, &larger, SECRET, "uid-1", other);
    assert_string_not_equal(mark, other);
    project_mark(&project_topics, &risk, SECRET, "uid-1", mark);
    project_mark(&project_topics, &larger, SECRET, "uid-1", other);
    assert_string_equal(mark, other); /* Kafka keeps no quota of it */
}

static void test_where(void **state)
{
    (void) state;
    AUTO_JSON *list = parse_json(
        "{'items':[{'kind':'PersistentVolumeClaim','metadata':{'uid':'b','labels':{"
        "'app.kubernetes.io/name':'minio'}}},{'kind':'PersistentVolumeClaim','metadata':{'uid':'a',"
        "'labels':{'app.kubernetes.io/name':'minio'}}},{'kind':'PersistentVolumeClaim','metadata':{"
        "'uid':'c','labels':{'app.kubernetes.io/name':'kafka'}}},{'kind':'StatefulSet','metadata':{"
        "'uid':'d','labels':{'app.kubernetes.io/name':'minio'}}}]}");
    AUTO_FREE char *bucket = project_where(&project_bucket, list);
    AUTO_FREE char *topics = project_where(&project_topics, list);
    AUTO_FREE char *none = project_where(&project_topics, NULL);
    assert_string_equal(bucket, "a b");
    assert_string_equal(topics, "c");
    assert_string_equal(none, "");
}

static void test_secret(void **state)
{
    (void) state;
    AUTO_JSON *wanted = project_secret(&project_topics, &risk, SECRET, "mark");
    AUTO_JSON *pending = project_secret(&project_topics, &risk, SECRET, "");
    AUTO_JSON *there = json_deep_copy(wanted);
    json_t *metadata = json_object_get(there, "metadata"), *data = json_object_get(there, "data");
    assert_string_equal(json_get_string(metadata, "namespace", ""), "risk");
    assert_string_equal(json_get_string(json_object_get(metadata, "labels"), PROJECT_LABEL, ""),
                        "risk");
    assert_true(project_secret_is(there, wanted));
    assert_false(project_secret_is(pending, wanted));
    assert_false(project_secret_is(NULL, wanted));
    /* What others add to it does no harm; what they change does. */
    json_object_set_new(json_object_get(metadata, "annotations"), "own", json_string("x"));
    json_object_set_new(data, "own", json_string("eA=="));
    assert_true(project_secret_is(there, wanted));
    json_object_set_new(data, "prefix", json_string("eA=="));
    assert_false(project_secret_is(there, wanted));
}

static void test_client(void **state)
{
    (void) state;
    AUTO_JSON *told = project_topics.tell(&risk, SECRET);
    assert_string_equal(
        json_get_string(told, "client.properties", ""),
        "bootstrap.servers=kafka.bigdata.svc:9092\nsecurity.protocol=SASL_PLAINTEXT\n"
        "sasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=org.apache.kafka.common.security.scram."
        "ScramLoginModule required username=\"project-risk\" password=\"" SECRET "\";\n");
    AUTO_JSON *bucket = project_bucket.tell(&risk, SECRET);
    assert_string_equal(json_get_string(bucket, "BUCKET", ""), "project-risk");
    assert_string_equal(json_get_string(bucket, "AWS_SECRET_ACCESS_KEY", ""), SECRET);
}

static void test_stuck(void **state)
{
    (void) state;
    AUTO_JSON *plain = parse_json("{'type':'Opaque'}");
    AUTO_JSON *immutable = parse_json("{'type':'Opaque','immutable':true}");
    AUTO_JSON *typed = parse_json("{'type':'kubernetes.io/basic-auth'}");
    assert_false(project_secret_is_stuck(NULL));
    assert_false(project_secret_is_stuck(plain));
    assert_true(project_secret_is_stuck(immutable));
    assert_true(project_secret_is_stuck(typed));
}

static void test_order_objects(void **state)
{
    (void) state;
    AUTO_PROJECT_ORDER o = {0};
    AUTO_JSON *template = parse_json("{'kind':'PodTemplate','template':{'spec':{'x':1}}}");
    project_order_begin(&o, &project_bucket);
    project_bucket.add(&o, &risk, SECRET, PROJECT_TAKE);
    AUTO_JSON *objects = project_order_objects(&o, &project_bucket, template, 77);
    const json_t *order = json_array_get(objects, 0), *job = json_array_get(objects, 1);
    const json_t *files = json_object_get(order, "stringData");
    AUTO_FREE char *conf = xasprintf("%sdone \"all of it\"\n", o.conf.data);
    assert_int_equal(json_array_size(objects), 2);
    assert_string_equal(json_get_string(files, "launch.conf", ""), conf);
    assert_string_equal(json_get_string(files, "risk.key", ""), SECRET "\n");
    AUTO_JSON *spec = parse_json("{'backoffLimit':2,'activeDeadlineSeconds':77,"
                                 "'template':{'spec':{'x':1}}}");
    assert_true(json_equal(json_object_get(job, "spec"), spec));
    for (size_t i = 0; i < 2; i++) {
        const json_t *metadata = json_object_get(json_array_get(objects, i), "metadata");
        assert_string_equal(json_get_string(metadata, "name", ""), "minio-projects");
        assert_string_equal(json_get_string(metadata, "namespace", ""), "bigdata");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_password_is_kept),
        cmocka_unit_test(test_passwords_differ),
        cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_bucket_without_quota),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_topics),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_mark),
        cmocka_unit_test(test_where),
        cmocka_unit_test(test_secret),
        cmocka_unit_test(test_client),
        cmocka_unit_test(test_stuck),
        cmocka_unit_test(test_order_objects),
    };
    return cmocka_run_group_tests_name("project-grant", tests, NULL, NULL);
}
