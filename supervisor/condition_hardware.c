/*
 * condition_hardware.c - what the processor and the firmware say of themselves.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/condition_kinds.h"

/* ---- processor ---- */

/* systemd.unit(5)'s word → the kernel's in /proc/cpuinfo, where they differ. */
static const struct {
	const char *name, *flag;
} features[] = {
	{"fma3", "fma"},
	{"osxsave", "xsave"}, /* the kernel shows it where it has turned it on */
	{"pclmul", "pclmulqdq"},
};

/* Only x86 has such flags, as in systemd. */
CONDITION_QUESTION(condition_cpu_feature)
{
	char text[CONDITION_TEXT];
	const char *flag = arg, *line;
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(features); i++)
		if (strcmp(features[i].name, arg) == 0)
			flag = features[i].flag;
	if (!condition_read(w, "/proc/cpuinfo", text, sizeof(text)))
		return false;
	line = strstr(text, "\nflags");
	line = line ? strchr(line, ':') : NULL;
	if (!line)
		return false;
	text[line - text + strcspn(line, "\n")] = '\0';
	len = strlen(flag);
	for (const char *at = line + 1; len && (at = strstr(at, flag)); at += len)
		if (at[-1] == ' ' && (at[len] == ' ' || at[len] == '\0'))
			return true;
	return false;
}

/* ---- firmware ---- */

/* "WORD(inner)" → inner; 0, or 1: it is none of WORD. */
static int inside(const char *arg, const char *word, char *inner, size_t size)
{
	size_t len = strlen(word), all = strlen(arg);

	if (strncmp(arg, word, len) != 0 || arg[len] != '(' || arg[all - 1] != ')')
		return 1;
	snprintf(inner, size, "%.*s", (int)(all - len - 2), arg + len + 1);
	return 0;
}

/* "FIELD OPERATOR VALUE": FIELD is a file of /sys/class/dmi/id. */
struct smbios {
	char field[64];
	enum condition_operator op;
	struct strv value; /* one word */
};

static void smbios_free(struct smbios *smbios)
{
	strv_free(&smbios->value);
}

static int smbios_parse(const char *text, struct smbios *smbios, struct err *err)
{
	size_t len = strcspn(text, "!<=>$");
	const char *rest = text + len;
	int r;

	*smbios = (struct smbios){0};
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	snprintf(smbios->field, sizeof(smbios->field), "%.*s", (int)len, text);
	smbios->op = condition_operator_take(&rest);
	if (!len || len >= sizeof(smbios->field) || strchr(smbios->field, '/') ||
	    smbios->field[0] == '.' || smbios->op == OPERATOR_NONE)
		return err_set(
			err, -EINVAL,
			"\"%.60s\" is not of the form FIELD = VALUE, where FIELD is a file of "
			"/sys/class/dmi/id",
			text);
	r = words_split(rest, &smbios->value, err);
	if (r == 0 && smbios->value.n != 1)
		r = err_set(err, -EINVAL, "\"%.60s\" has not one value: quote it", text);
	return r;
}

CONDITION_CHECK(condition_check_firmware)
{
	_cleanup_(smbios_free) struct smbios smbios = {0};
	char inner[256];

	if (strcmp(arg, "uefi") == 0 || strcmp(arg, "device-tree") == 0)
		return 0;
	if (inside(arg, "device-tree-compatible", inner, sizeof(inner)) == 0)
		return *inner ? 0 : err_set(err, -EINVAL, "device-tree-compatible() names nothing");
	if (inside(arg, "smbios-field", inner, sizeof(inner)) == 0)
		return smbios_parse(inner, &smbios, err);
	return err_set(err, -ENOTSUP,
		       "\"%.60s\" is none of uefi, device-tree, device-tree-compatible(…), "
		       "smbios-field(…)",
		       arg);
}

static bool is_compatible(const struct condition_world *w, const char *name)
{
	char text[CONDITION_TEXT];

	/* Names, each ended by NUL. */
	memset(text, 0, sizeof(text));
	if (!condition_read(w, "/proc/device-tree/compatible", text, sizeof(text)))
		return false;
	for (const char *at = text; at < text + sizeof(text) && *at; at += strlen(at) + 1)
		if (strcmp(at, name) == 0)
			return true;
	return false;
}

static bool smbios_holds(const struct condition_world *w, const char *text)
{
	_cleanup_(smbios_free) struct smbios smbios = {0};
	char path[128], is[CONDITION_TEXT];
	size_t len;

	if (smbios_parse(text, &smbios, NULL) < 0)
		return false;
	snprintf(path, sizeof(path), "/sys/class/dmi/id/%s", smbios.field);
	if (!condition_read(w, path, is, sizeof(is)))
		return false;
	for (len = strlen(is); len && strchr(" \t\n\r", is[len - 1]); len--)
		is[len - 1] = '\0';
	return condition_compare_texts(smbios.op, is, smbios.value.v[0]);
}

CONDITION_QUESTION(condition_firmware)
{
	char inner[256];

	if (inside(arg, "device-tree-compatible", inner, sizeof(inner)) == 0)
		return is_compatible(w, inner);
	if (inside(arg, "smbios-field", inner, sizeof(inner)) == 0)
		return smbios_holds(w, inner);
	return condition_there(w, strcmp(arg, "uefi") == 0 ? "/sys/firmware/efi"
							   : "/sys/firmware/devicetree");
}
