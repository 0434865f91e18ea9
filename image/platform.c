#include "image/platform.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/cleanup.h"
#include "image/text.h"

/* The kernel's names of machines, and Go's. */
static const struct {
	const char *machine, *architecture, *variant;
} machines[] = {
	{"x86_64", "amd64", ""},    {"aarch64", "arm64", ""},   {"armv7l", "arm", "v7"},
	{"armv8l", "arm", "v7"},    {"armv6l", "arm", "v6"},    {"i686", "386", ""},
	{"riscv64", "riscv64", ""}, {"ppc64le", "ppc64le", ""}, {"s390x", "s390x", ""},
};

/* What goes without saying (containerd's rules): an amd64 is a v1, and runs on every machine. */
static const struct {
	const char *architecture, *variant;
} defaults[] = {
	{"amd64", "v1"},
	{"arm64", "v8"},
	{"arm", "v7"},
};

static const char *default_variant(const char *architecture)
{
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
		if (strcmp(defaults[i].architecture, architecture) == 0)
			return defaults[i].variant;
	return "";
}

bool platform_set(struct platform *platform, const char *os, const char *architecture,
		  const char *variant)
{
	*platform = (struct platform){0};
	os = os ? os : "";
	architecture = architecture ? architecture : "";
	variant = variant ? variant : "";
	return text_set(platform->os, PLATFORM_PART_MAX, os) &&
	       text_set(platform->architecture, PLATFORM_PART_MAX, architecture) &&
	       text_set(platform->variant, PLATFORM_PART_MAX,
			*variant ? variant : default_variant(architecture));
}

int platform_parse(const char *text, struct platform *platform, struct err *err)
{
	char copy[PLATFORM_TEXT_MAX];
	char *architecture;
	char *variant = NULL;
	struct utsname name;

	if (!text) {
		uname(&name);
		for (size_t i = 0; i < ARRAY_LEN(machines); i++)
			if (strcmp(name.machine, machines[i].machine) == 0) {
				platform_set(platform, "linux", machines[i].architecture,
					     machines[i].variant);
				return 0;
			}
		return err_set(err, -EINVAL,
			       "this machine is a \"%s\": say by --platform which image is wanted",
			       name.machine);
	}
	snprintf(copy, sizeof(copy), "%s", text);
	architecture = strchr(copy, '/');
	if (architecture)
		*architecture++ = '\0';
	if (architecture)
		variant = strchr(architecture, '/');
	if (variant)
		*variant++ = '\0';
	if (strlen(text) >= sizeof(copy) || !architecture || !*copy || !*architecture ||
	    (variant && (!*variant || strchr(variant, '/'))) ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789/_.-") != strlen(text) ||
	    !platform_set(platform, copy, architecture, variant))
		return err_set(err, -EINVAL,
			       "\"%.60s\" is no platform: write OS/ARCHITECTURE, such as "
			       "linux/amd64 or linux/arm/v7",
			       text);
	return 0;
}

bool platform_is(const struct platform *a, const struct platform *b)
{
	return strcmp(a->os, b->os) == 0 && strcmp(a->architecture, b->architecture) == 0 &&
	       strcmp(a->variant, b->variant) == 0;
}

void platform_text(const struct platform *platform, char text[PLATFORM_TEXT_MAX])
{
	bool said = strcmp(platform->variant, default_variant(platform->architecture)) != 0;

	snprintf(text, PLATFORM_TEXT_MAX, "%s/%s%s%s", platform->os, platform->architecture,
		 said ? "/" : "", said ? platform->variant : "");
}
