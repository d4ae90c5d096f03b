#include "lib/architecture.h"

#include "lib/fd.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const struct {
    const char *name, *machine;
    Elf64_Half elf;
} all[] = {
    {"amd64", "x86_64", EM_X86_64},
    {"arm64", "aarch64", EM_AARCH64},
};

const char *architecture_of_machine(const char *machine)
{
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        if (strcmp(machine, all[i].machine) == 0)
            return all[i].name;
    return machine;
}

const char *architecture_machine(const char *architecture)
{
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        if (strcmp(architecture, all[i].name) == 0)
            return all[i].machine;
    return architecture;
}

int architecture_of_program(const char *path, const char **out, struct error *err)
{
    Elf64_Ehdr head;
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, -errno, "open %s", path);
    if (fd_pread_full(fd, &head, sizeof(head), 0) < 0 ||
        memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_ident[EI_DATA] != ELFDATA2LSB)
        return error_set(err, -ENOEXEC, "%s is no program of such a machine", path);
    *out = "unknown";
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        if (le16toh(head.e_machine) == all[i].elf)
            *out = all[i].name;
    return 0;
}
