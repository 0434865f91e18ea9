#include "image/variants.h"

#include <stdio.h>
#include <string.h>

const char *const variants[] = {
	/* variants: begin (scripts/variants, from the folders of image/variants/) */
	"base", "php", "dotnet", "js", "rust", "elixir",
	/* variants: end */
	NULL};

bool variant_known(const char *name)
{
	for (unsigned i = 0; variants[i]; i++)
		if (strcmp(variants[i], name) == 0)
			return true;
	return false;
}

void variants_text(char *text, unsigned long size)
{
	size_t len = 0;

	*text = '\0';
	for (unsigned i = 0; variants[i] && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s", i ? ", " : "", variants[i]);
}
