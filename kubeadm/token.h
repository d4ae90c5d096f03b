/* Bootstrap tokens: "[a-z0-9]{6}.[a-z0-9]{16}" (k8s.io/cluster-bootstrap/token/api,
 * BootstrapTokenPattern). The part before the dot is a name, the part after it is the secret. */
#pragma once

#include <stdbool.h>

#define KUBEADM_TOKEN_LEN 23

bool kubeadm_token_valid(const char *token);
/* A fresh one from the system's randomness, every character equally likely. */
void kubeadm_token_new(char out[KUBEADM_TOKEN_LEN + 1]);
