/* Which nodes take a workload's pods, and how many of them find a place, by the rules that the
 * scheduler must keep: requests, taints, nodeSelector, and of what a pod requires node affinity,
 * anti-affinity to its own kind, and topology spread. What it only prefers is no rule. Pure. */
#pragma once

#include "coordinator/stack-needs.h"
#include "lib/json.h"
#include "lib/strv.h"

struct stack_amount {
    int64_t memory, cpu, storage; /* storage: of claims of the default class */
};

struct stack_placing {
    const char *component;
    const json_t *object; /* the workload; borrowed, as the rest */
    struct stack_amount each;
    size_t pods;
    struct strv apart;    /* topology keys of which no two of its pods may share a value */
    const json_t *spread; /* topologySpreadConstraints; may be NULL */
};
void stack_placing_release(struct stack_placing *p);
/* Fills the rules of p->object. */
void stack_placing_rules(struct stack_placing *p);
/* Takes what its pods need out of the nodes; returns how many found a place. */
size_t stack_place(const struct stack_placing *p, struct stack_nodes *free);
