/* Paths: building, making folders, opening beneath a folder without ever leaving it. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Joins with exactly one slash; the caller frees. */
char *path_join(const char *dir, const char *name);
/* Folder part and last component; the caller frees. path_dirname("a") is ".". */
char *path_dirname(const char *path);
const char *path_basename(const char *path);
/* Creates the folder and its missing parents. 0 or -errno; an existing folder is fine. */
int path_mkdir_p(const char *path, mode_t mode, struct error *err);
/* Creates a folder as path_mkdir_p does, or takes an empty one: -ENOTEMPTY when something is in
 * it. */
int path_make_empty(const char *path, mode_t mode, struct error *err);
/* 1: an empty folder, or nothing is there; 0: something is in it; -errno. */
int path_is_empty(const char *path, struct error *err);
void path_close_dir(DIR **dir); /* ignores NULL */
#define AUTO_DIR CLEANUP(path_close_dir) DIR
/* True when the path is the folder or below it; by their texts, both without a trailing slash. */
bool path_is_at_or_below(const char *path, const char *folder);
/* True for a relative path without empty, "." or ".." components, control characters or leading
 * "-", at most PATH_MAX long: what an archive or a peer may name. */
bool path_is_safe_relative(const char *path);
/* True when a symlink at path (relative to a folder; no symlink is above it) leads to something in
 * the folder, whatever other such symlinks are in it. */
bool path_link_stays_inside(const char *path, const char *target);
/* openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS. fd or -errno. */
int path_open_beneath(int dir_fd, const char *path, int flags, mode_t mode);
/* Removes a tree below dir without following symlinks and without crossing a mount point. */
int path_remove_tree(const char *path, struct error *err);
/* Expands a leading "~/" with $HOME; the caller frees. */
char *path_expand_home(const char *path);
/* Our folders by the XDG base directory specification; the caller frees. bigtop-bootstrap in
 * $XDG_CACHE_HOME or ~/.cache; in …CONFIG_HOME or ~/.config: what the user set up; in …STATE_HOME
 * or ~/.local/state: what we have to remember. */
char *path_cache_dir(void);
char *path_config_dir(void);
char *path_state_dir(void);
