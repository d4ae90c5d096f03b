#include "kubeadm/token.h"

#include "lib/digest.h"

#include <stddef.h>
#include <string.h>

#define TOKEN_DOT 6

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
#define ALPHABET_LEN (sizeof(alphabet) - 1)

bool kubeadm_token_valid(const char *token)
{
    if (strlen(token) != KUBEADM_TOKEN_LEN || token[TOKEN_DOT] != '.') {
        return false;
    }
    return strspn(token, alphabet) == TOKEN_DOT &&
           strspn(token + TOKEN_DOT + 1, alphabet) == KUBEADM_TOKEN_LEN - TOKEN_DOT - 1;
}

static char random_character(void)
{
    unsigned char byte;
    do { /* bytes past the last whole multiple would favour the first letters */
        random_bytes(&byte, 1);
    } while (byte >= 256 / ALPHABET_LEN * ALPHABET_LEN);
    return alphabet[byte % ALPHABET_LEN];
}

void kubeadm_token_new(char out[KUBEADM_TOKEN_LEN + 1])
{
    for (size_t i = 0; i < KUBEADM_TOKEN_LEN; i++) {
        out[i] = i == TOKEN_DOT ? '.' : random_character();
    }
    out[KUBEADM_TOKEN_LEN] = '\0';
}
