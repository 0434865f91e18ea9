#include "supervisor/mount_plan.h"

#include <errno.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

/* What is at a path; of two for the same path the later in this list counts. */
enum base {
	BASE_NONE = 0, /* what was there */
	BASE_TMPFS,
	BASE_PROC,
	BASE_DEVICES,
	BASE_BIND,
	BASE_CLOSED,
};

/* Of two for the same path the later counts, too. */
enum file_access {
	ACCESS_INHERIT = 0,
	ACCESS_WRITE,
	ACCESS_READ,
};

enum execution {
	EXECUTION_INHERIT = 0,
	EXECUTION_YES,
	EXECUTION_NO,
};

struct entry {
	char *path;
	enum base base;
	enum file_access access;
	enum execution execution;
	enum degrade part;
	const char *source, *options; /* of BASE_BIND, BASE_TMPFS, BASE_PROC */
	bool recursive, optional;
	uint64_t attr; /* what it will have */
};

struct entries {
	struct entry v[MOUNT_STEPS_MAX];
	size_t n;
};

static void entries_free(struct entries *entries)
{
	for (size_t i = 0; i < entries->n; i++)
		free(entries->v[i].path);
}

/* A fixed path: part of a protection, and fine where the container does not have it. */
static int add(struct entries *entries, const struct entry *entry, const char *path)
{
	char *real = realpath(path, NULL);
	struct entry *e;

	if (!real && errno != ENOENT && errno != ENOTDIR && errno != EACCES && errno != ELOOP)
		return -errno;
	/* The place of a bind mount may be made. */
	if (!real && (entry->base == BASE_BIND || entry->base == BASE_TMPFS))
		real = strdup(path);
	if (!real)
		return errno == ENOMEM ? -ENOMEM : -ENOENT;
	for (size_t i = 0; i < entries->n; i++) {
		e = &entries->v[i];
		if (strcmp(e->path, real) != 0)
			continue;
		free(real);
		if (entry->base > e->base) {
			e->base = entry->base;
			e->source = entry->source;
			e->options = entry->options;
			e->recursive = entry->recursive;
			e->part = entry->part;
		}
		if (entry->access > e->access)
			e->access = entry->access;
		if (entry->execution > e->execution)
			e->execution = entry->execution;
		return 0;
	}
	if (entries->n == MOUNT_STEPS_MAX) {
		free(real);
		return -E2BIG;
	}
	e = &entries->v[entries->n++];
	*e = *entry;
	e->path = real;
	return 0;
}

struct row {
	const char *path;
	enum file_access access;
	enum base base;
};

static int add_rows(struct entries *entries, const struct row *rows, size_t n, enum degrade part)
{
	int r = 0;

	for (size_t i = 0; i < n && (r == 0 || r == -ENOENT); i++)
		r = add(entries,
			&(struct entry){.base = rows[i].base,
					.access = rows[i].access,
					.part = part,
					.recursive = true,
					.optional = true},
			rows[i].path);
	return r == -ENOENT ? 0 : r;
}

static int add_system(struct entries *entries, enum protect_system mode)
{
	static const struct row some[] = {
		{"/usr", ACCESS_READ, 0},
		{"/boot", ACCESS_READ, 0},
		{"/efi", ACCESS_READ, 0},
		{"/etc", ACCESS_READ, 0}, /* the last: not for "yes" */
	};
	/* The homes are for ProtectHome=, /dev, /proc and /sys for others. */
	static const struct row strict[] = {
		{"/", ACCESS_READ, 0},      {"/proc", ACCESS_WRITE, 0},
		{"/sys", ACCESS_WRITE, 0},  {"/dev", ACCESS_WRITE, 0},
		{"/home", ACCESS_WRITE, 0}, {"/run/user", ACCESS_WRITE, 0},
		{"/root", ACCESS_WRITE, 0},
	};

	switch (mode) {
	case PROTECT_SYSTEM_NO:
		return 0;
	case PROTECT_SYSTEM_STRICT:
		return add_rows(entries, strict, ARRAY_LEN(strict), DEGRADE_PROTECT_SYSTEM);
	default:
		return add_rows(entries, some, ARRAY_LEN(some) - (mode == PROTECT_SYSTEM_YES),
				DEGRADE_PROTECT_SYSTEM);
	}
}

static int add_home(struct entries *entries, enum protect_home mode)
{
	static const char *const homes[] = {"/home", "/root", "/run/user"};
	struct entry entry = {.part = DEGRADE_PROTECT_HOME, .optional = true, .recursive = true};
	int r = 0;

	entry.base = mode == PROTECT_HOME_YES     ? BASE_CLOSED
		     : mode == PROTECT_HOME_TMPFS ? BASE_TMPFS
						  : BASE_NONE;
	entry.access = ACCESS_READ;
	entry.options = "ro,mode=0755";
	for (size_t i = 0; mode && i < ARRAY_LEN(homes) && (r == 0 || r == -ENOENT); i++)
		r = add(entries, &entry, homes[i]);
	return r == -ENOENT ? 0 : r;
}

static int add_kernel(struct entries *entries, const struct unit_sandbox *s)
{
	static const struct row tunables[] = {
		{"/proc/acpi", ACCESS_READ, 0},
		{"/proc/apm", ACCESS_READ, 0},
		{"/proc/asound", ACCESS_READ, 0},
		{"/proc/bus", ACCESS_READ, 0},
		{"/proc/fs", ACCESS_READ, 0},
		{"/proc/irq", ACCESS_READ, 0},
		{"/proc/latency_stats", ACCESS_READ, 0},
		{"/proc/mtrr", ACCESS_READ, 0},
		{"/proc/scsi", ACCESS_READ, 0},
		{"/proc/sys", ACCESS_READ, 0},
		{"/proc/sysrq-trigger", ACCESS_READ, 0},
		{"/proc/timer_stats", ACCESS_READ, 0},
		{"/proc/kallsyms", 0, BASE_CLOSED},
		{"/proc/kcore", 0, BASE_CLOSED},
		{"/sys", ACCESS_READ, 0},
		{"/sys/fs/cgroup", ACCESS_WRITE, 0},
		{"/sys/fs/selinux", ACCESS_WRITE, 0},
	};
	static const struct row groups[] = {{"/sys/fs/cgroup", ACCESS_READ, 0}};
	static const struct row modules[] = {{"/usr/lib/modules", 0, BASE_CLOSED},
					     {"/lib/modules", 0, BASE_CLOSED}};
	static const struct row logs[] = {{"/proc/kmsg", 0, BASE_CLOSED},
					  {"/dev/kmsg", 0, BASE_CLOSED}};
	int r = 0;

	if (s->protect_tunables)
		r = add_rows(entries, tunables, ARRAY_LEN(tunables), DEGRADE_KERNEL_TUNABLES);
	if (r == 0 && s->protect_cgroups)
		r = add_rows(entries, groups, 1, DEGRADE_CONTROL_GROUPS);
	if (r == 0 && s->protect_kernel_modules)
		r = add_rows(entries, modules, ARRAY_LEN(modules), DEGRADE_KERNEL_MODULES);
	if (r == 0 && s->protect_kernel_logs && !s->private_devices)
		r = add_rows(entries, logs, ARRAY_LEN(logs), DEGRADE_KERNEL_LOGS);
	else if (r == 0 && s->protect_kernel_logs)
		r = add_rows(entries, logs, 1, DEGRADE_KERNEL_LOGS);
	return r;
}

/* A list of the unit's: "-" before a path that may be missing, "+" for the root that we have
 * anyway. */
static int add_list(struct entries *entries, const struct strv *list, const struct entry *entry,
		    const char *directive, struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *path = list->v[i];
		struct entry one = *entry;
		int r;

		one.optional = *path == '-';
		path += one.optional;
		path += *path == '+';
		r = add(entries, &one, path);
		if (r == -ENOENT && one.optional)
			continue;
		if (r == -ENOENT)
			return err_set(err, r,
				       "%s=%s: there is no such path (write \"-%s\" if it may be "
				       "missing)",
				       directive, path, path);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_lists(struct entries *entries, const struct unit_sandbox *s, struct err *err)
{
	const struct {
		const char *name;
		const struct strv *list;
		struct entry entry;
	} lists[] = {
		{"ReadOnlyPaths", &s->read_only, {.access = ACCESS_READ, .part = DEGRADE_PATHS}},
		{"ReadWritePaths", &s->read_write, {.access = ACCESS_WRITE, .part = DEGRADE_PATHS}},
		{"InaccessiblePaths",
		 &s->inaccessible,
		 {.base = BASE_CLOSED, .part = DEGRADE_PATHS}},
		{"NoExecPaths",
		 &s->no_exec,
		 {.execution = EXECUTION_NO, .part = DEGRADE_EXEC_PATHS}},
		{"ExecPaths", &s->exec, {.execution = EXECUTION_YES, .part = DEGRADE_EXEC_PATHS}},
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(lists) && r == 0; i++) {
		struct entry entry = lists[i].entry;

		entry.recursive = true;
		r = add_list(entries, lists[i].list, &entry, lists[i].name, err);
	}
	return r;
}

static int add_mounts(struct entries *entries, const struct unit_sandbox *s, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < s->n_binds && r == 0; i++) {
		const struct bind_path *b = &s->binds[i];

		if (access(b->source, F_OK) < 0) {
			if (b->optional)
				continue;
			return err_set(err, -ENOENT, "BindPaths=%s: there is no such path",
				       b->source);
		}
		r = add(entries,
			&(struct entry){.base = BASE_BIND,
					.access = b->read_only ? ACCESS_READ : ACCESS_WRITE,
					.part = DEGRADE_BIND,
					.source = b->source,
					.recursive = b->recursive,
					.optional = b->optional},
			b->target);
	}
	for (size_t i = 0; i < s->n_temporary && r == 0; i++)
		r = add(entries,
			&(struct entry){.base = BASE_TMPFS,
					.access = ACCESS_WRITE,
					.part = DEGRADE_TEMPORARY,
					.options = s->temporary[i].options},
			s->temporary[i].path);
	return r;
}

static int add_private(struct entries *entries, const struct unit_sandbox *s, const char *tmp,
		       const char *var_tmp)
{
	struct entry entry = {.base = *tmp ? BASE_BIND : BASE_TMPFS,
			      .access = ACCESS_WRITE,
			      .part = DEGRADE_PRIVATE_TMP,
			      .options = "mode=1777"};
	int r = 0;

	if (s->private_tmp) {
		entry.source = tmp;
		r = add(entries, &entry, "/tmp");
		entry.source = var_tmp;
		if (r == 0)
			r = add(entries, &entry, "/var/tmp");
	}
	if (r == 0 && s->private_devices)
		r = add(entries,
			&(struct entry){.base = BASE_DEVICES,
					.access = ACCESS_WRITE,
					.part = DEGRADE_PRIVATE_DEVICES},
			"/dev");
	if (r == 0 && (s->protect_proc || s->proc_pid_only)) {
		static const char *const options[][2] = {
			[PROTECT_PROC_DEFAULT] = {"", "subset=pid"},
			[PROTECT_PROC_NOACCESS] = {"hidepid=noaccess",
						   "hidepid=noaccess,subset=pid"},
			[PROTECT_PROC_INVISIBLE] = {"hidepid=invisible",
						    "hidepid=invisible,subset=pid"},
			[PROTECT_PROC_PTRACEABLE] = {"hidepid=ptraceable",
						     "hidepid=ptraceable,subset=pid"},
		};

		r = add(entries,
			&(struct entry){.base = BASE_PROC,
					.access = ACCESS_WRITE,
					.part = DEGRADE_PROC,
					.options = options[s->protect_proc][s->proc_pid_only]},
			"/proc");
	}
	return r;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

static bool is_below(const char *path, const char *parent)
{
	size_t len = strlen(parent);

	if (strcmp(parent, "/") == 0)
		return true;
	return strncmp(path, parent, len) == 0 && (path[len] == '/' || !path[len]);
}

/* Sorted, those above stand before those below: the last that says something counts. */
static void entries_settle(struct entries *entries)
{
	qsort(entries->v, entries->n, sizeof(*entries->v), by_path);
	for (size_t i = 0; i < entries->n; i++) {
		struct entry *e = &entries->v[i];
		bool read = false, no_exec = false;

		for (size_t k = 0; k <= i; k++) {
			const struct entry *above = &entries->v[k];

			if (!is_below(e->path, above->path))
				continue;
			if (above->access)
				read = above->access == ACCESS_READ;
			if (above->execution)
				no_exec = above->execution == EXECUTION_NO;
		}
		e->attr = (read ? (uint64_t)MOUNT_ATTR_RDONLY : 0) |
			  (no_exec ? (uint64_t)MOUNT_ATTR_NOEXEC : 0);
	}
}

/* Under something closed nothing is left; and what would only say what is the case needs no mount.
 */
static bool is_needed(const struct entries *entries, size_t i)
{
	const struct entry *e = &entries->v[i];
	bool changes = e->attr || e->base;

	for (size_t k = 0; k < i; k++) {
		const struct entry *above = &entries->v[k];

		if (!is_below(e->path, above->path))
			continue;
		if (above->base == BASE_CLOSED)
			return false;
		/* Under something new what was there is not to be seen, but for a new /proc. */
		if (above->base && above->base != BASE_PROC && !e->base)
			return false;
		changes |= above->attr || above->base;
	}
	return changes;
}

static struct mount_step *step_add(struct mount_plan *plan, enum mount_op op, enum degrade part,
				   const char *source, const char *target, const char *options)
{
	struct mount_step *grown, *step;

	if (plan->n == MOUNT_STEPS_MAX)
		return NULL;
	grown = reallocarray(plan->v, plan->n + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	plan->v = grown;
	step = &grown[plan->n++];
	*step = (struct mount_step){
		.op = op,
		.part = part,
		.source = source ? strdup(source) : NULL,
		.target = strdup(target),
		.options = options ? strdup(options) : NULL,
	};
	return (source && !step->source) || !step->target || (options && !step->options) ? NULL
											 : step;
}

/* systemd.exec(5), PrivateDevices=: the pseudo devices, from the container's own /dev: an
 * unprivileged container cannot make device nodes. */
static int steps_devices(struct mount_plan *plan)
{
	static const char *const nodes[] = {"null", "zero", "full", "random", "urandom",
					    "tty",  "pts",  "shm",  "mqueue", "ptmx"};
	static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"},
					       {"/proc/self/fd/0", "/dev/stdin"},
					       {"/proc/self/fd/1", "/dev/stdout"},
					       {"/proc/self/fd/2", "/dev/stderr"}};
	const enum degrade part = DEGRADE_PRIVATE_DEVICES;
	struct mount_step *step =
		step_add(plan, MOUNT_TMPFS, part, NULL, "/dev", "nosuid,noexec,mode=0755,size=64k");

	for (size_t i = 0; i < ARRAY_LEN(nodes) && step; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/dev/%s", nodes[i]);
		step = step_add(plan, MOUNT_TREE, part, path, path, NULL);
		if (step)
			step->make = step->optional = step->recursive = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(links) && step; i++)
		step = step_add(plan, MOUNT_LINK, part, links[i][0], links[i][1], NULL);
	if (step)
		step = step_add(plan, MOUNT_ATTR, part, NULL, "/dev", NULL);
	if (step)
		step->attr = MOUNT_ATTR_RDONLY;
	return step ? 0 : -ENOMEM;
}

static int steps_of(struct mount_plan *plan, const struct entry *e)
{
	struct mount_step *step;

	switch (e->base) {
	case BASE_DEVICES:
		return steps_devices(plan);
	case BASE_TMPFS:
		step = step_add(plan, MOUNT_TMPFS, e->part, NULL, e->path, e->options);
		break;
	case BASE_PROC:
		step = step_add(plan, MOUNT_PROC, e->part, NULL, e->path, e->options);
		break;
	case BASE_CLOSED:
		step = step_add(plan, MOUNT_CLOSED, e->part, NULL, e->path, NULL);
		break;
	case BASE_BIND:
		step = step_add(plan, MOUNT_TREE, e->part, e->source, e->path, NULL);
		break;
	default:
		if (strcmp(e->path, "/") == 0)
			step = step_add(plan, MOUNT_ATTR, e->part, NULL, "/", NULL);
		else
			step = step_add(plan, MOUNT_TREE, e->part, e->path, e->path, NULL);
	}
	if (!step)
		return -ENOMEM;
	step->attr = e->attr;
	step->recursive = e->recursive;
	step->optional = e->optional;
	step->make = e->base == BASE_BIND || e->base == BASE_TMPFS;
	step->exempts = e->base == BASE_NONE &&
			(e->access == ACCESS_WRITE || e->execution == EXECUTION_YES);
	return 0;
}

static bool is_wanted(const struct unit_sandbox *s)
{
	return s->private_mounts || (s->mount_flags && s->mount_flags != MOUNT_FLAGS_SHARED);
}

int mount_plan_make(struct mount_plan *plan, const struct unit_sandbox *s,
		    const struct mount_places *places, struct err *err)
{
	_cleanup_free_ struct entries *entries = calloc(1, sizeof(*entries));
	char tmp[PATH_MAX] = "", var_tmp[PATH_MAX] = "";
	int r = entries ? 0 : -ENOMEM;

	*plan = (struct mount_plan){.wanted = is_wanted(s), .flags = s->mount_flags};
	if (r < 0)
		return r;
	if (places->private_dir) {
		snprintf(tmp, sizeof(tmp), "%s/tmp", places->private_dir);
		snprintf(var_tmp, sizeof(var_tmp), "%s/var-tmp", places->private_dir);
	}
	r = add_lists(entries, s, err);
	if (r == 0)
		r = add_mounts(entries, s, err);
	if (r == 0)
		r = add_private(entries, s, tmp, var_tmp);
	if (r == 0)
		r = add_system(entries, s->protect_system);
	if (r == 0)
		r = add_home(entries, s->protect_home);
	if (r == 0)
		r = add_kernel(entries, s);
	for (size_t i = 0; r == 0 && places->writable && places->writable[i]; i++) {
		r = add(entries,
			&(struct entry){.access = ACCESS_WRITE,
					.part = DEGRADE_PATHS,
					.recursive = true,
					.optional = true},
			places->writable[i]);
		r = r == -ENOENT ? 0 : r;
	}
	if (r == 0)
		entries_settle(entries);
	for (size_t i = 0; r == 0 && i < entries->n; i++)
		if (is_needed(entries, i))
			r = steps_of(plan, &entries->v[i]);
	entries_free(entries);
	plan->wanted |= plan->n > 0;
	if (r < 0)
		mount_plan_free(plan);
	if (r == -E2BIG)
		return err_set(err, r, "its paths are more than %d", MOUNT_STEPS_MAX);
	return r == -ENOMEM ? err_sys(err, r, "its file system namespace") : r;
}

void mount_plan_free(struct mount_plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		free(plan->v[i].source);
		free(plan->v[i].target);
		free(plan->v[i].options);
	}
	free(plan->v);
	*plan = (struct mount_plan){0};
}
