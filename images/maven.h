/* Maven's names (pure): coordinates, where a repository keeps them, and the project that asks Maven
 * for them. A coordinate is written GROUP:ARTIFACT:VERSION[:CLASSIFIER][@TYPE]; TYPE is the file's
 * extension, jar when left out. Source: maven.apache.org/repositories/layout.html. */
#pragma once

#include "lib/cleanup.h"
#include "lib/strbuf.h"
#include "lib/strv.h"

#include <stdbool.h>

#define MAVEN_NAME_MAX 200 /* of each part */

struct maven_coordinate {
    char *group, *artifact, *version;
    char *classifier; /* NULL: none */
    char *type;
};
void maven_coordinate_release(struct maven_coordinate *c);
#define AUTO_COORDINATE CLEANUP(maven_coordinate_release) struct maven_coordinate

/* False, and *out untouched, for what is none. The version has to be one release: no range, no
 * SNAPSHOT, LATEST or RELEASE. */
bool maven_coordinate_parse(const char *text, struct maven_coordinate *out);
/* The coordinate of a file of a repository, by its path there; false for other files. */
bool maven_coordinate_of_path(const char *path, struct maven_coordinate *out);
/* As it is written; the caller frees. */
char *maven_coordinate_text(const struct maven_coordinate *c);
/* ARTIFACT-VERSION[-CLASSIFIER].TYPE, and the folder of a repository that has it; the caller frees
 * both. */
char *maven_file_name(const struct maven_coordinate *c);
char *maven_folder(const struct maven_coordinate *c);
/* GROUP:ARTIFACT, each of them may be "*": what `exclude` names. */
bool maven_is_exclusion(const char *text);
/* https:// and nothing that would need quoting in XML. */
bool maven_is_repository(const char *url);

/* A project (pom.xml) that depends on these coordinates, all of them valid. The exclusions hold for
 * each one. repository NULL: Central. */
void maven_project(const struct strv *coordinates, const struct strv *exclusions,
                   const char *repository, struct strbuf *out);
