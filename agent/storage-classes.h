/* StorageClasses of ours that were the default before another one. An addon that is not applied any
 * more leaves its classes behind, and a cluster shall have one default. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stdbool.h>

/* Appends the names of our classes in the API's list that are the default beside `preferred`. */
void storage_classes_pick(const json_t *list, const char *preferred, struct strv *former);
/* The same, asked of the API server. Nothing when preferred is NULL. */
int storage_classes_former(const char *preferred, const bool *cancel, struct strv *former,
                           struct error *err);
/* Has them be the default no longer; volumes of theirs stay what they are. */
int storage_classes_demote(const char *preferred, const bool *cancel, struct error *err);
