/* What the commands `stack …` and `project …` have in common: options, and opening what they
 * name. */
#pragma once

#include "coordinator/command.h"
#include "coordinator/stack-work.h"
#include "images/bundle.h"
#include "lib/strv.h"

struct stack_arguments {
    const char *kubeconfig, *bundle, *profile;
    struct strv keys;
    bool insecure;
    int output;
};

static inline void stack_arguments_release(struct stack_arguments *a)
{
    strv_release(&a->keys);
}

/* Rows of an option table, the member being a struct stack_arguments. */
/* clang-format off */
#define OPTIONS_STACK(type, member) \
    {"profile", 'p', OPTION_TEXT, offsetof(type, member.profile), "NAME|FILE", \
     "a profile of the bundle, or DIR/NAME.yaml; default: the one that the cluster has"}, \
    OPTIONS_CLUSTER(type, member)
/* Without a profile. */
#define OPTIONS_CLUSTER(type, member) \
    {"kubeconfig", 0, OPTION_TEXT, offsetof(type, member.kubeconfig), "FILE", \
     "of the cluster; default: $KUBECONFIG, else ~/.kube/config"}, \
    {"bundle", 'b', OPTION_TEXT, offsetof(type, member.bundle), "DIR", \
     "where kubectl and profiles come from; default: the one in the cache, if it is there"}, \
    {"key", 'k', OPTION_LIST, offsetof(type, member.keys), "NAME.pub", \
     "a public key that may have signed it"}, \
    {"insecure-bundle", 0, OPTION_FLAG, offsetof(type, member.insecure), NULL, \
     "take a bundle whatever its signature says"}
/* clang-format on */

struct stack_opened {
    struct bundle bundle;
    struct stack_work work;
    struct view *view; /* the command's, closed with the rest; NULL at first */
};

/* Returns EXIT_DONE, or prints the reason and returns another enum exit_code; stack_close is due in
 * any case. */
int stack_open(const struct stack_arguments *a, struct stack_opened *out);
/* The same without a profile: of `work` only kubectl. inv (may be NULL): its bundle and its keys
 * count as well, after those of the arguments. */
int stack_open_cluster(const struct stack_arguments *a, const struct inventory *inv,
                       struct stack_opened *out);
void stack_close(struct stack_opened *s);
#define AUTO_STACK_OPENED CLEANUP(stack_close) struct stack_opened
#define STACK_OPENED_INIT ((struct stack_opened){0})
