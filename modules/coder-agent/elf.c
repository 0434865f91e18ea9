#include "modules/coder-agent/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"

static const struct machine machines[] = {
	{"x86_64", "amd64", EM_X86_64, ELFCLASS64},
	{"aarch64", "arm64", EM_AARCH64, ELFCLASS64},
	{"armv7l", "armv7", EM_ARM, ELFCLASS32},
	/* A 32-bit userland on a 64-bit kernel. */
	{"armv8l", "armv7", EM_ARM, ELFCLASS32},
};

const struct machine *machine_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (strcmp(name, machines[i].uname) == 0 || strcmp(name, machines[i].coder) == 0)
			return &machines[i];
	return NULL;
}

static const char *machine_name(uint16_t elf)
{
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (machines[i].elf == elf)
			return machines[i].coder;
	return "another machine";
}

int elf_check(const unsigned char *head, size_t len, const struct machine *machine, struct err *err)
{
	uint16_t type, target;

	if (len > 0 && head[0] == '<')
		return err_set(err, -ENOEXEC, "it is a web page, not a program");
	if (len < ELF_HEAD || memcmp(head, ELFMAG, SELFMAG) != 0)
		return err_set(err, -ENOEXEC, "it is no ELF program");
	type = (uint16_t)(head[16] | head[17] << 8);
	target = (uint16_t)(head[18] | head[19] << 8);
	if (head[EI_DATA] != ELFDATA2LSB)
		return err_set(err, -ENOEXEC, "it is a big-endian program; %s is needed",
			       machine->coder);
	if (target != machine->elf || head[EI_CLASS] != machine->elf_class)
		return err_set(err, -ENOEXEC,
			       "it is a program for %s (ELF machine %u, class %u); %s is needed",
			       machine_name(target), target, head[EI_CLASS], machine->coder);
	if (type != ET_EXEC && type != ET_DYN)
		return err_set(err, -ENOEXEC, "it is an ELF file of type %u, no program", type);
	return 0;
}
