/* What a project gets from components of the stack (docs/projects.md): a user of its own there,
 * with rights to what is the project's alone, told by a Secret in its namespace. A Job in
 * STACK_NAMESPACE makes it, of a PodTemplate that the component brings; what the Job has to do, the
 * order, is in a Secret as well. Pure, but for the randomness of passwords. */
#pragma once

#include "coordinator/inventory.h"
#include "lib/digest.h"
#include "lib/json.h"
#include "lib/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

#define PROJECT_PASSWORD_LEN 40 /* hex digits: 160 bits */
#define PROJECT_GRANTED "bigtop.apache.org/granted" /* annotation: the mark of what was done */

/* All may be done again, and after each other: what is to go is made first where a tool fails on
 * what is not there. */
enum project_deed {
    PROJECT_GIVE,
    PROJECT_TAKE,   /* the user and its rights; data stays */
    PROJECT_DELETE, /* data as well */
};

struct project_order {
    json_t *files;      /* what the Job finds beside its launch.conf: secrets */
    struct strbuf conf; /* lines for the launcher (images/launcher/launcher.h): no secrets */
};

struct project_grant {
    const char *what;      /* "bucket", for messages */
    const char *component; /* the app.kubernetes.io/name of its pods, and whose StatefulSet it is */
    int port;              /* where it is reached */
    const char *job;       /* of the PodTemplate, the Job and the order */
    const char *secret;    /* in the project's namespace */
    const char *password;  /* its key in there */
    const char *head;      /* launch.conf's first lines */
    int seconds;           /* that one project may take */
    /* What the Secret says: an object of texts. The caller's. */
    json_t *(*tell)(const struct project *p, const char *password);
    /* Adds one project's part. */
    void (*add)(struct project_order *o, const struct project *p, const char *password,
                enum project_deed deed);
};

extern const struct project_grant project_bucket; /* project-bucket.c */
extern const struct project_grant project_topics; /* project-topics.c */
extern const struct project_grant *const project_grants[]; /* NULL-terminated */

/* What the project is called there. The caller frees. */
char *project_user(const struct project *p);

#define PROJECT_ORDER_MAX ((size_t) 512 * 1024) /* a Secret holds 1 MiB */
void project_order_begin(struct project_order *o, const struct project_grant *g);
void project_order_release(struct project_order *o);
#define AUTO_PROJECT_ORDER CLEANUP(project_order_release) struct project_order

/* The Secret's password, or a new one where it has none of ours: an owner may write there. */
void project_password(const struct project_grant *g, const json_t *secret,
                      char out[PROJECT_PASSWORD_LEN + 1]);
/* Of all that is done for the project, and of `where`: while it stays the same there is nothing to
 * do. */
void project_mark(const struct project_grant *g, const struct project *p, const char *password,
                  const char *where, char out[DIGEST_SIZE]);
/* The volumes of a component: with those its users go. list: of PersistentVolumeClaims. The caller
 * frees. */
char *project_where(const struct project_grant *g, const json_t *list);

/* The Secret in the project's namespace; mark: "" until it is done. The caller's. */
json_t *project_secret(const struct project_grant *g, const struct project *p, const char *password,
                       const char *mark);
/* Whether the one that is there says the same. */
bool project_secret_is(const json_t *there, const json_t *wanted);
/* Whether it could not be changed to say so: an owner made it. */
bool project_secret_is_stuck(const json_t *there);

/* The order, with its end, and the Job of the template: an array. The caller's. */
json_t *project_order_objects(const struct project_order *o, const struct project_grant *g,
                              const json_t *template, int seconds);
