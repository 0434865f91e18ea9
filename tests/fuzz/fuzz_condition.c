/*
 * Conditions, asked of any machine: the first part has a condition a line ("Kind=argument"), the
 * others are files of that machine.
 */
#include <stdio.h>
#include <string.h>

#include "supervisor/condition.h"
#include "tests/fuzz/fuzz.h"

static const char *const files[] = {
	"etc/os-release",
	"proc/cmdline",
	"proc/cpuinfo",
	"proc/meminfo",
	"proc/modules",
	"proc/pressure/memory",
	"etc/passwd",
	"etc/group",
	"proc/self/mountinfo",
	"sys/fs/cgroup/cgroup.controllers",
	"sys/class/power_supply/AC/online",
};

static void ask(const char *line, const struct condition_world *world)
{
	const char *equals = strchr(line, '=');
	struct err err;

	if (!equals)
		return;
	for (int kind = 0; kind < CONDITION_KINDS_N; kind++) {
		struct condition condition = {.kind = (enum condition_kind)kind,
					      .arg = (char *)equals + 1};
		const char *name = condition_kind_name(condition.kind);

		if (strncmp(line, name, (size_t)(equals - line)) != 0 ||
		    name[equals - line] != '\0' ||
		    condition_argument_check(condition.kind, condition.arg, &err) < 0)
			continue;
		condition_ask(&condition, NULL, world);
		condition.negate = true;
		condition_ask(&condition, NULL, world);
	}
}

FUZZ_TARGET(condition)
{
	static char root[96];
	struct strv env = {0}, secrets = {0};
	struct condition_world world = {.root = root,
					.env = &env,
					.secret_names = &secrets,
					.place = "lxc",
					.machine = "x86_64",
					.release = "6.8.12-1-pve",
					.host = "host",
					.cpus = 2};
	char *lines = fuzz_next_text(&text, &len), *save = NULL;

	snprintf(root, sizeof(root), "%s", fuzz_dir());
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct fuzz_part part = {"", 0};

		fuzz_next(&text, &len, &part);
		fuzz_put(files[i], part.text, part.len);
	}
	strv_add(&env, "SET=1");
	strv_add(&env, "PATH=/bin");
	strv_add(&secrets, "TOKEN");
	for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		ask(line, &world);
	strv_free(&env);
	strv_free(&secrets);
	free(lines);
}
