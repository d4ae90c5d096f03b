/* What names from outside may look like, before they go anywhere near a command, a file or a
 * wire. All return true when the text is acceptable. Sources: RFC 1123 (host names), the
 * Kubernetes label grammar (k8s.io/apimachinery validation), Linux IFNAMSIZ, useradd(8). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

bool grammar_hostname(const char *s);     /* RFC 1123 subdomain, lowercase, ≤ 253 */
bool grammar_node_name(const char *s);    /* RFC 1123 label, ≤ 63 */
bool grammar_address(const char *s);      /* IPv4, IPv6 or host name (upper case allowed) */
bool grammar_ip(const char *s);
bool grammar_ipv4(const char *s);
bool grammar_user(const char *s);         /* [a-z_][a-z0-9_-]*, ≤ 32 */
bool grammar_label_key(const char *s);
bool grammar_label_value(const char *s);
bool grammar_interface(const char *s);    /* ≤ 15, no slash, no space, not "." or ".." */
bool grammar_mac(const char *s);          /* 52:54:00:12:34:56 of one card, no group address */
bool grammar_serial(const char *s);       /* as udev and makers' labels write it, ≤ 128 */
bool grammar_image_ref(const char *s);    /* host/path:tag, full form, ≤ 255 */
bool grammar_fingerprint(const char *s);  /* "SHA256:" and 43 base64 digits, as OpenSSH has it */
bool grammar_u16(const char *s, uint16_t *out); /* a port and the like: 1 to 65535, in decimal */
bool grammar_absolute_path(const char *s);/* "/…", no control characters, no ".." component */

/* IPv4 CIDR in canonical form: network in host byte order. False when host bits are set. */
bool grammar_cidr4(const char *s, uint32_t *network, unsigned *prefix);
bool cidr4_overlap(uint32_t net_a, unsigned prefix_a, uint32_t net_b, unsigned prefix_b);
bool grammar_ipv4_parse(const char *s, uint32_t *address); /* host byte order */
void ipv4_format(uint32_t address, char out[16]);
