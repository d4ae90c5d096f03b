/* An inventory from the text of a hosts.yaml. */
#pragma once

#include "coordinator/inventory.h"
#include "lib/yaml.h"
#include "tests/unit/unit.h"

/* As inventory_load of a file "dir/hosts.yaml" with this text. err may be NULL, and is empty at
 * first. The caller releases *inv when it returns 0; else that is as it was. */
static inline int try_hosts(const char *text, struct inventory *inv, struct error *err)
{
    CLEANUP(yaml_release) struct yaml_file file = YAML_FILE_INIT;
    if (err)
        *err = ERROR_INIT;
    int r = yaml_parse(text, strlen(text), "dir/hosts.yaml", &file, err);
    return r < 0 ? r : inventory_from_yaml(&file, inv, err);
}

/* The caller releases it. */
static inline struct inventory load_hosts(const char *text)
{
    struct inventory inv = INVENTORY_INIT;
    struct error err;
    if (try_hosts(text, &inv, &err) < 0)
        fail_msg("%s", err.text);
    return inv;
}
