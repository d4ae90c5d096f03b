/* When the start of an installed machine was a good one: GOOD_START_S seconds without a break. Of a
 * node that means a healthy kubelet; of a machine that is no node yet, an SSH server that answers:
 * it may wait for its coordinator for days, and start more than three times meanwhile. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define GOOD_START_S 120
/* A slot that was never good, with one beside it that was: after this long without a good start the
 * machine starts again, so that the other one's turn comes. */
#define GOOD_START_GIVE_UP_S 1800

struct good_start {
    int64_t began_ms; /* of the first look */
    int64_t since_ms; /* well since; -1: not well at the last look */
    bool node;        /* what it was then */
};
#define GOOD_START_INIT ((struct good_start){.began_ms = -1, .since_ms = -1})

enum good_start_verdict { GOOD_START_WAIT, GOOD_START_GOOD, GOOD_START_GIVE_UP };

/* Pure. A look at the machine: node: it is one (good_start_is_node); well: what counts for it
 * answers. */
enum good_start_verdict good_start_look(struct good_start *g, int64_t now_ms, bool node, bool well);

/* This machine: kubelet has been told which cluster it belongs to. */
bool good_start_is_node(void);
/* Kubelet, or the SSH server. */
bool good_start_is_well(bool node);
