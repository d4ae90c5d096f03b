/* MinIO: a bucket. */
#include "coordinator/project-grant.h"
#include "coordinator/stack-needs.h"
#include "coordinator/stack-profile.h"

/* Objects, and what there is of them. Not the bucket itself, nor its policy: who may use it, and
 * how much goes in, is not the project's to say. */
#define BUCKET_ACTIONS \
    "s3:GetBucketLocation s3:GetBucketVersioning s3:ListBucket s3:ListBucketMultipartUploads " \
    "s3:ListBucketVersions"
#define OBJECT_ACTIONS \
    "s3:AbortMultipartUpload s3:DeleteObject s3:DeleteObjectTagging s3:DeleteObjectVersion " \
    "s3:GetObject s3:GetObjectTagging s3:GetObjectVersion s3:ListMultipartUploadParts " \
    "s3:PutObject s3:PutObjectTagging"

static json_t *allow(const char *actions, const char *resource)
{
    STRV(words);
    strv_split(&words, actions, ' ');
    return json_pack("{s:s, s:o, s:[s]}", "Effect", "Allow", "Action", json_texts(&words),
                     "Resource", resource);
}

static char *policy_of(const char *bucket)
{
    AUTO_FREE char *itself = xasprintf("arn:aws:s3:::%s", bucket);
    AUTO_FREE char *objects = xasprintf("arn:aws:s3:::%s/*", bucket);
    AUTO_JSON *policy = json_pack("{s:s, s:[o, o]}", "Version", "2012-10-17", "Statement",
                                  allow(BUCKET_ACTIONS, itself), allow(OBJECT_ACTIONS, objects));
    return json_canonical(policy);
}

static json_t *tell(const struct project *p, const char *password)
{
    AUTO_FREE char *user = project_user(p);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "AWS_ENDPOINT_URL",
                     "http://minio." STACK_NAMESPACE ".svc:9000", "AWS_REGION", "us-east-1",
                     "AWS_ACCESS_KEY_ID", user, "AWS_SECRET_ACCESS_KEY", password, "BUCKET", user);
}

/* MinIO takes a size of SI and IEC units, of which Kubernetes writes some in another way. */
static void add_quota(struct project_order *o, const struct project *p, const char *bucket)
{
    AUTO_JSON *size = p->storage ? json_string(p->storage) : NULL;
    if (size)
        strbuf_addf(&o->conf, "run mc --quiet quota set s/%s --size %lld\n", bucket,
                    (long long) stack_quantity_milli(size) / 1000);
    else
        strbuf_addf(&o->conf, "run mc --quiet quota clear s/%s\n", bucket);
}

static void add_user(struct project_order *o, const struct project *p, const char *user,
                     const char *password)
{
    AUTO_FREE char *file = xasprintf("%s.key", p->name);
    AUTO_FREE char *line = xasprintf("%s\n", password);
    json_object_set_new(o->files, file, json_string(line));
    strbuf_addf(&o->conf, "feed /etc/launch/%s mc --quiet admin user add s %s\n", file, user);
}

static void give(struct project_order *o, const struct project *p, const char *user)
{
    AUTO_FREE char *file = xasprintf("%s.policy", p->name);
    AUTO_FREE char *policy = policy_of(user);
    json_object_set_new(o->files, file, json_string(policy));
    strbuf_addf(&o->conf,
                "run mc --quiet mb --ignore-existing s/%s\n"
                "run mc --quiet admin policy create s %s /etc/launch/%s\n"
                "run mc --quiet admin policy attach s %s --user %s\n",
                user, user, file, user, user);
    add_quota(o, p, user);
}

static void add(struct project_order *o, const struct project *p, const char *password,
                enum project_deed deed)
{
    AUTO_FREE char *user = project_user(p);
    add_user(o, p, user, password);
    if (deed == PROJECT_GIVE)
        give(o, p, user);
    else
        strbuf_addf(&o->conf,
                    "run mc --quiet admin user remove s %s\n"
                    "run mc --quiet admin policy remove s %s\n",
                    user, user);
    if (deed == PROJECT_DELETE)
        strbuf_addf(&o->conf, "run mc --quiet rb --force s/%s\n", user);
}

const struct project_grant project_bucket = {
    .what = "bucket",
    .component = "minio",
    .port = 9000,
    .job = "minio-projects",
    .secret = "project-minio",
    .password = "AWS_SECRET_ACCESS_KEY",
    .head = "env HOME /tmp\n"
            "wait minio:9000 60\n"
            "feed /etc/minio-root/password mc --quiet alias set s http://minio:9000 "
            "${MINIO_USER}\n",
    .seconds = 20,
    .tell = tell,
    .add = add,
};
