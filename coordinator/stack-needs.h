/* What a stack takes of the nodes, of its rendered objects, and whether they have it. Pure.
 * Bytes of memory and storage, thousandths of a CPU. */
#pragma once

#include "coordinator/stack-render.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One node that may take pods: what is free once all others' requests are deducted. */
struct stack_node {
    char *name;
    int64_t memory, cpu;
    int64_t storage; /* for claims of the default class; INT64_MAX: not known */
    json_t *labels;  /* object; may be NULL */
    json_t *taints; /* array as in a Node's spec; may be NULL */
};

struct stack_nodes {
    struct stack_node *items;
    size_t count;
    bool default_class;    /* claims that name no storage class are served */
    struct strv classes;   /* storage classes */
    bool classes_known;    /* else claims are not judged */
};
#define STACK_NODES_INIT ((struct stack_nodes){0})
void stack_nodes_release(struct stack_nodes *n);
/* The new node, with its name copied; its other members are 0, its storage is not known. */
struct stack_node *stack_nodes_add(struct stack_nodes *n, const char *name);
/* Of the API's lists of nodes, pods (of all namespaces) and storage classes. Pods that the rendered
 * workloads select are what the stack has already: they count as free. */
void stack_nodes_from_live(const json_t *nodes, const json_t *pods, const json_t *classes,
                           const struct stack_rendered *rendered, size_t count,
                           struct stack_nodes *out);

/* All pods of a component together; a DaemonSet's once for each of `nodes` nodes. Of
 * the API's lists of pods and claims as well: pods that have not ended. */
struct stack_need {
    size_t pods;
    int64_t memory, cpu, storage;
};
void stack_need_of(const json_t *objects, size_t nodes, struct stack_need *out);

/* Whether all components fit at once, the largest pods first: -ENOSPC with which one does not, what
 * it wants and what there is ("kafka wants 3 nodes with 1.0 GiB and 0.50 CPU free; this cluster
 * gives 2"). */
int stack_fit(const struct stack *s, const struct stack_rendered *rendered,
              const struct stack_nodes *nodes, struct error *err);

/* A quantity of Kubernetes ("1.5Gi", "500m", 2) in thousandths; 0 when it is none. */
int64_t stack_quantity_milli(const json_t *value);
