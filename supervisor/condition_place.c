#include "supervisor/condition_kinds.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/command.h"
#include "supervisor/unit_file.h"

#define UID_SYSTEM_MAX 999 /* SYSTEM_UID_MAX of Debian's systemd */

/* ---- where we are ---- */

/* Ids of the container are others of the machine: a user namespace that is not the first. */
static bool ids_are_mapped(const struct condition_world *w)
{
	char text[CONDITION_TEXT];
	unsigned inside, outside, count;

	if (!condition_read(w, "/proc/self/uid_map", text, sizeof(text)))
		return false;
	return sscanf(text, "%u %u %u", &inside, &outside, &count) != 3 || inside != 0 ||
	       outside != 0 || count != UINT32_MAX;
}

bool condition_in_container(const struct condition_world *w)
{
	/* Of bare namespaces there is no other sign. */
	return strcmp(w->place, "unknown") != 0 || ids_are_mapped(w);
}

CONDITION_QUESTION(condition_virtualization)
{
	bool container = condition_in_container(w), wanted;

	if (bool_parse(arg, &wanted, NULL) == 0)
		return wanted == container;
	if (strcmp(arg, "container") == 0)
		return container;
	if (strcmp(arg, "private-users") == 0)
		return ids_are_mapped(w);
	/* In a container on a virtual machine systemd says the container alone. */
	if (!container)
		return false;
	/* systemd has no word for a pod. */
	if (strcmp(w->place, "other") == 0 || strcmp(w->place, "unknown") == 0 ||
	    strcmp(w->place, "kubernetes") == 0)
		return strcmp(arg, "container-other") == 0;
	return strcmp(arg, w->place) == 0;
}

/* ---- users ---- */

/* The number behind "NAME:x:" in a file such as /etc/passwd; -1: there is none. */
static int64_t number_of(const struct condition_world *w, const char *path, const char *name)
{
	char full[4200];
	struct text_file file = {0};
	size_t len = strlen(name);
	int64_t found = -1;

	if (snprintf(full, sizeof(full), "%s%s", w->root, path) >= (int)sizeof(full) ||
	    text_file_read(full, &file, NULL) < 0)
		return -1;
	for (const char *line = file.text; line && found < 0;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *colon;

		if (strncmp(line, name, len) != 0 || line[len] != ':')
			continue;
		colon = strchr(line + len + 1, ':');
		if (colon && colon[1] >= '0' && colon[1] <= '9')
			found = (int64_t)strtoul(colon + 1, NULL, 10);
	}
	free(file.text);
	return found;
}

CONDITION_QUESTION(condition_user)
{
	unsigned number;

	if (strcmp(arg, "@system") == 0)
		return w->uid <= UID_SYSTEM_MAX;
	if (unsigned_parse(arg, UINT32_MAX, &number, NULL) == 0)
		return w->uid == number;
	if (strcmp(arg, "root") == 0)
		return w->uid == 0;
	return number_of(w, "/etc/passwd", arg) == (int64_t)w->uid;
}

CONDITION_QUESTION(condition_group)
{
	gid_t groups[64];
	int n = getgroups(ARRAY_LEN(groups), groups);
	unsigned number;
	int64_t gid;

	if (unsigned_parse(arg, UINT32_MAX, &number, NULL) == 0)
		gid = number;
	else
		gid = strcmp(arg, "root") == 0 ? 0 : number_of(w, "/etc/group", arg);
	if (gid < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return w->gid == gid;
}

/* ---- what files say ---- */

/* A machine id, or a pattern for the name of the host. */
CONDITION_QUESTION(condition_host)
{
	char id[CONDITION_TEXT];

	if (strlen(arg) == 32 && strspn(arg, "0123456789abcdefABCDEF") == 32 &&
	    condition_read(w, "/etc/machine-id", id, sizeof(id)))
		return strncasecmp(id, arg, 32) == 0;
	return fnmatch(arg, w->host, FNM_CASEFOLD) == 0;
}

/* Controllers, all of which must be there; or "v1" and "v2", the kinds of the tree. */
CONDITION_QUESTION(condition_control_group_controller)
{
	static const char *const controllers[] = {"/sys/fs/cgroup/cgroup.controllers",
						  "/proc/cgroups"};
	_cleanup_(strv_free) struct strv words = {0};
	char text[CONDITION_TEXT];
	bool v2 = condition_read(w, controllers[0], text, sizeof(text));

	if (strcmp(arg, "v1") == 0 || strcmp(arg, "v2") == 0)
		return v2 == (arg[1] == '2');
	if ((!v2 && !condition_read(w, controllers[1], text, sizeof(text))) ||
	    words_split(arg, &words, NULL) < 0)
		return false;
	for (size_t i = 0; i < words.n; i++) {
		size_t len = strlen(words.v[i]);
		const char *at = text;

		while ((at = strstr(at, words.v[i])) && ((at > text && !strchr(" \n", at[-1])) ||
							 (at[len] && !strchr(" \t\n", at[len]))))
			at += len;
		if (!at)
			return false;
	}
	return true;
}

/* FIELD, operator and value of one expression; false: it is none. */
static bool field_split(const char *word, char field[64], enum condition_operator *op,
			const char **value)
{
	size_t len =
		strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	if (!len || len >= 64)
		return false;
	memcpy(field, word, len);
	field[len] = '\0';
	*value = word + len;
	*op = condition_operator_take(value);
	return *op != OPERATOR_NONE;
}

CONDITION_CHECK(condition_check_os_release)
{
	_cleanup_(strv_free) struct strv words = {0};
	int r = words_split(arg, &words, err);
	enum condition_operator op;
	const char *value;
	char field[64];

	for (size_t i = 0; i < words.n && r == 0; i++)
		if (!field_split(words.v[i], field, &op, &value))
			r = err_set(err, -EINVAL,
				    "\"%.60s\" is no comparison such as VERSION_ID>=12",
				    words.v[i]);
	return r;
}

CONDITION_QUESTION(condition_os_release)
{
	_cleanup_(strv_free) struct strv words = {0}, release = {0};
	char path[4200];

	/* The file is one of assignments, as an EnvironmentFile= (os-release(5)). */
	snprintf(path, sizeof(path), "%s/etc/os-release", w->root);
	if (environment_file_read(path, &release, NULL) < 0) {
		snprintf(path, sizeof(path), "%s/usr/lib/os-release", w->root);
		if (environment_file_read(path, &release, NULL) < 0)
			return false;
	}
	if (words_split(arg, &words, NULL) < 0)
		return false;
	for (size_t i = 0; i < words.n; i++) {
		enum condition_operator op;
		const char *value, *have;
		char field[64];

		if (!field_split(words.v[i], field, &op, &value))
			return false;
		have = strv_env_get(&release, field);
		if (!condition_compare_texts(op, have ? have : "", value))
			return false;
	}
	return true;
}

/* The kernel's part in each, by the files that it has; audit and the machine's own hardware are not
 * the container's. */
static const struct {
	const char *name, *path;
} securities[] = {
	{"apparmor", "/sys/module/apparmor/parameters/enabled"},
	{"audit", NULL},
	{"cvm", NULL},
	{"ima", "/sys/kernel/security/ima"},
	{"measured-uki", NULL},
	{"selinux", "/sys/fs/selinux/enforce"},
	{"smack", "/sys/fs/smackfs"},
	{"tomoyo", "/sys/kernel/security/tomoyo/version"},
	{"tpm2", NULL},
	{"uefi-secureboot", NULL},
};

CONDITION_CHECK(condition_check_security)
{
	for (size_t i = 0; i < ARRAY_LEN(securities); i++)
		if (strcmp(securities[i].name, arg) == 0)
			return 0;
	return err_set(err, -ENOTSUP, "\"%.60s\" is no technology that can be asked for", arg);
}

CONDITION_QUESTION(condition_security)
{
	char text[CONDITION_TEXT];

	for (size_t i = 0; i < ARRAY_LEN(securities); i++) {
		if (strcmp(securities[i].name, arg) != 0 || !securities[i].path)
			continue;
		if (strcmp(arg, "apparmor") != 0)
			return condition_there(w, securities[i].path);
		return condition_read(w, securities[i].path, text, sizeof(text)) && *text == 'Y';
	}
	return false;
}
