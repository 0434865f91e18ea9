/*
 * elf.h - is this the beginning of a program for this machine? Looks at the ELF header only, never
 * trusts a length in it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define ELF_HEAD 20 /* bytes up to and with e_machine */

struct machine {
	const char *uname; /* as uname(2) says it */
	const char *coder; /* as the server's file names say it */
	uint16_t elf;      /* e_machine */
	uint8_t elf_class; /* ELFCLASS32 or ELFCLASS64 */
};

/* By uname(2)'s name or by Coder's; NULL when Coder has no agent for it. */
const struct machine *machine_find(const char *name);
/* 0 for an executable of this machine, else -ENOEXEC and a sentence about what it is instead. */
int elf_check(const unsigned char *head, size_t len, const struct machine *machine,
	      struct err *err);
