/* Kafka: topics, groups and transactions whose names begin with the project's and a dot, which no
 * project's name has: so none of these beginnings is one of another's. */
#include "coordinator/project-grant.h"
#include "coordinator/stack-profile.h"

#define SERVER "kafka:9092"
#define AS_ADMIN " --bootstrap-server " SERVER " --command-config /etc/kafka/admin.properties"
#define USERS "run java kafka.admin.ConfigCommand" AS_ADMIN " --alter --entity-type users"
#define ACLS "run java org.apache.kafka.tools.AclCommand" AS_ADMIN
#define TOPICS "run java org.apache.kafka.tools.TopicCommand" AS_ADMIN

#define CLIENT \
    "bootstrap.servers=%s\n" \
    "security.protocol=SASL_PLAINTEXT\n" \
    "sasl.mechanism=SCRAM-SHA-512\n" \
    "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required " \
    "username=\"%s\" password=\"%s\";\n"

static json_t *tell(const struct project *p, const char *password)
{
    const char *servers = "kafka." STACK_NAMESPACE ".svc:9092";
    AUTO_FREE char *user = project_user(p);
    AUTO_FREE char *prefix = xasprintf("%s.", p->name);
    AUTO_FREE char *client = xasprintf(CLIENT, servers, user, password);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "bootstrap.servers", servers, "username", user,
                     "password", password, "prefix", prefix, "client.properties", client);
}

/* In a file: what the tools are told on their command lines everybody on the node may see. */
static void add_user(struct project_order *o, const struct project *p, const char *user,
                     const char *password)
{
    AUTO_FREE char *file = xasprintf("%s.scram", p->name);
    AUTO_FREE char *line = xasprintf("SCRAM-SHA-512=iterations=8192,password=%s\n", password);
    json_object_set_new(o->files, file, json_string(line));
    strbuf_addf(&o->conf, USERS " --entity-name %s --add-config-file /etc/launch/%s\n", user, file);
}

static void add_rights(struct project_order *o, const struct project *p, const char *user,
                       const char *verb)
{
    strbuf_addf(&o->conf,
                ACLS " %s --allow-principal User:%s --operation All --topic %s. --group %s. "
                     "--transactional-id %s. --resource-pattern-type prefixed\n",
                verb, user, p->name, p->name, p->name);
}

static void add(struct project_order *o, const struct project *p, const char *password,
                enum project_deed deed)
{
    AUTO_FREE char *user = project_user(p);
    add_user(o, p, user, password);
    add_rights(o, p, user, deed == PROJECT_GIVE ? "--add" : "--remove --force");
    if (deed != PROJECT_GIVE)
        strbuf_addf(&o->conf, USERS " --entity-name %s --delete-config SCRAM-SHA-512\n", user);
    if (deed == PROJECT_DELETE)
        strbuf_addf(&o->conf, TOPICS " --delete --if-exists --topic %s[.].*\n", p->name);
}

const struct project_grant project_topics = {
    .what = "topics",
    .component = "kafka",
    .port = 9092,
    .job = "kafka-projects",
    .secret = "project-kafka",
    .password = "password",
    .head = "heap HEAP 50\n"
            "env JDK_JAVA_OPTIONS \"${HEAP} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC "
            "-Dlog4j2.configurationFile=/etc/kafka/log4j2.properties\"\n"
            "env CLASSPATH /opt/kafka/lib/*\n"
            "wait " SERVER " 60\n",
    .seconds = 40,
    .tell = tell,
    .add = add,
};
