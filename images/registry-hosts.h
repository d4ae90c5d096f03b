/* Where a registry's content may be fetched from: mirrors in the manner of containerd's hosts.toml.
 * DIR/HOST/hosts.toml (or DIR/_default/hosts.toml), DIR being --registry-config or
 * $XDG_CONFIG_HOME/bigtop-bootstrap/registries:
 *
 *   server = "https://registry-1.docker.io"    the last to ask; default: the registry itself
 *   [host."https://mirror.example:5000"]       asked in this order
 *     capabilities = ["pull", "resolve"]       default both; "push" is of no use here
 *     ca = "ca.pem"                            beside hosts.toml, or absolute
 *     override_path = true                     the URL's path is used as it is, without /v2
 *     skip_verify = false                      true is refused
 *
 * Of TOML only what this needs is read: tables, strings, booleans and lists of strings. Anything
 * else is an error with its line. Source: containerd, docs/hosts.md. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>

#define REGISTRY_HOSTS_MAX 32

struct registry_host {
    char *url;     /* "https://mirror.example:5000/v2", without a slash at its end */
    char *name;    /* "mirror.example:5000": whose credentials are used */
    char *ca;      /* path, or NULL */
    bool plain;    /* http:// */
    bool pull;     /* content by digest */
    bool resolve;  /* what a tag stands for */
    bool override_path;
};

struct registry_hosts {
    struct registry_host *items;
    size_t count;
};
void registry_hosts_release(struct registry_hosts *h);
#define AUTO_REGISTRY_HOSTS CLEANUP(registry_hosts_release) struct registry_hosts

/* $XDG_CONFIG_HOME/bigtop-bootstrap/registries or the like below ~/.config; the caller frees. */
char *registry_config_dir(void);
/* In the order in which they are asked; the registry itself is the last. A registry on loopback is
 * asked by plain http when nothing else is said. */
int registry_hosts_load(const char *dir, const char *registry, struct registry_hosts *out,
                        struct error *err);
/* path: of the file, for errors and what is relative to it. */
int registry_hosts_parse(const char *text, const char *path, const char *registry,
                         struct registry_hosts *out, struct error *err);
