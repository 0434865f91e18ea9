#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/format.h"
#include "init/quirk_file.h"
#include "init/quirk_rows.h"

#define CGROUP   "/sys/fs/cgroup"
#define ATTEMPTS 50

/* All processes of the root group, into the leaf; those that end meanwhile are no error. */
static int move_all(const char *root)
{
	char text[4096];
	char *save = NULL;
	ssize_t n = file_read(root, CGROUP "/cgroup.procs", text, sizeof(text));

	if (n < 0)
		return (int)n;
	/* What did not fit is there the next time; a torn last number is no pid of ours. */
	if (n == sizeof(text) - 1)
		*strrchr(text, '\n') = '\0';
	for (char *pid = strtok_r(text, "\n", &save); pid; pid = strtok_r(NULL, "\n", &save)) {
		/* 0 is a process of the host's (pct exec), and the kernel would take it for us. */
		int r = strcmp(pid, "0") == 0
				? 0
				: file_set(root, CGROUP "/hakim/init/cgroup.procs", pid);

		if (r < 0 && r != -ESRCH)
			return r;
	}
	return 0;
}

static bool has_word(const char *list, const char *word, size_t len)
{
	for (; *list; list += strspn(list, " \n")) {
		size_t n = strcspn(list, " \n");

		if (n == len && strncmp(list, word, len) == 0)
			return true;
		list += n;
	}
	return false;
}

/* Enables what is not enabled yet for the groups below: 0, or what the first failure was. */
static int enable_all(const char *root, const char *controllers)
{
	char enabled[128], word[40];
	int r = 0;

	file_read(root, CGROUP "/cgroup.subtree_control", enabled, sizeof(enabled));
	for (const char *at = controllers; *at && r == 0; at += strspn(at, " \n")) {
		size_t len = strcspn(at, " \n");

		if (len && !has_word(enabled, at, len)) {
			format_text(word, sizeof(word), "+%.*s", (int)len, at);
			r = file_set(root, CGROUP "/cgroup.subtree_control", word);
		}
		at += len;
	}
	return r;
}

/*
 * A group with controllers for those below may have no processes of its own (cgroup-v2.rst, "No
 * Internal Process Constraint"), and PID 1 is born in the root group. Somebody may fork while all
 * are moved, so it is tried until the kernel takes it. The same leaf as the supervisor's
 * (cgroup_limits.c), which does this, too, when a limit is asked for.
 */
enum quirk_outcome quirk_cgroup(struct quirk_world *w, struct quirk_result *r)
{
	const char *controllers = w->facts.cgroup_controllers;
	char own[1024];
	int e = 0;

	if (w->facts.cgroup == 0)
		return quirk_say(r, QUIRK_NEEDS_HOST,
				 "there are no cgroups: services have no limits");
	if (w->facts.cgroup == 1)
		return quirk_say(r, QUIRK_NEEDS_HOST,
				 "only cgroup v1 is here: services and containers have no limits");
	if (!w->facts.cgroup_writable)
		return quirk_say(r, QUIRK_NEEDS_HOST,
				 "cgroup2 is read-only: no groups can be made");
	/* "0::/": only the root of our own namespace is ours to arrange. */
	if (file_read(w->root, "/proc/1/cgroup", own, sizeof(own)) > 0 &&
	    strstr(own, "0::/hakim/init\n") && enable_all(w->root, controllers) == 0)
		return quirk_say(r, QUIRK_FINE, "PID 1 is in a group of its own");
	format_text(own, sizeof(own), "%s" CGROUP "/hakim", w->root);
	mkdir(own, 0755);
	format_text(own, sizeof(own), "%s" CGROUP "/hakim/init", w->root);
	if (mkdir(own, 0755) < 0 && errno != EEXIST)
		return quirk_fail(r, errno, CGROUP "/hakim/init could not be made");
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		e = move_all(w->root);
		if (e == 0)
			e = enable_all(w->root, controllers);
		if (e != -EBUSY)
			break;
		/* Who is about to end is not listed, and still counts. */
		poll(NULL, 0, 1);
	}
	if (e == -EBUSY)
		return quirk_fail(r, e, "a process of the host (pct exec) stays in the root group");
	if (e < 0)
		return quirk_fail(r, e, "PID 1 could not be moved out of the root group");
	return quirk_say(r, QUIRK_REMEDIED,
			 "all were in the root group: they are in one below it, and services and "
			 "containers can have limits (%s)",
			 *controllers ? controllers : "no controllers");
}

/* lxcfs shows a container its own limits in /proc; without it, programs that look there take the
 * machine's memory for theirs, and are killed. */
enum quirk_outcome quirk_lxcfs(struct quirk_world *w, struct quirk_result *r)
{
	char text[256];
	const char *at;
	int64_t total;

	if (w->facts.memory_max < 0)
		return quirk_say(r, QUIRK_FINE, "the container has no limit of memory of its own");
	if (file_read(w->root, "/proc/meminfo", text, sizeof(text)) <= 0 ||
	    !(at = strstr(text, "MemTotal:")))
		return quirk_say(r, QUIRK_FAILED, "/proc/meminfo cannot be read");
	total = strtoll(at + 9, NULL, 10) * 1024;
	/* lxcfs rounds. */
	if (total <= w->facts.memory_max + w->facts.memory_max / 20)
		return quirk_say(r, QUIRK_FINE, "/proc/meminfo shows the container's own limit");
	return quirk_say(r, QUIRK_NEEDS_HOST,
			 "/proc/meminfo shows %" PRId64
			 " MiB, the machine's, but the container has "
			 "%" PRId64 " MiB",
			 total >> 20, w->facts.memory_max >> 20);
}

/* At memory.high the kernel slows allocations down until it hurts, long before anything is killed.
 */
enum quirk_outcome quirk_memory_high(struct quirk_world *w, struct quirk_result *r)
{
	char text[512];
	const char *at;
	int64_t times;

	if (file_read(w->root, CGROUP "/memory.events", text, sizeof(text)) <= 0)
		return quirk_say(r, QUIRK_FINE, "memory is not counted here");
	at = strncmp(text, "high ", 5) == 0 ? text : strstr(text, "\nhigh ");
	times = at ? strtoll(strchr(at, ' '), NULL, 10) : 0;
	if (times > 0)
		return quirk_say(r, QUIRK_NEEDS_HOST,
				 "the container was slowed down %" PRId64
				 " times because its memory was nearly used up",
				 times);
	return quirk_say(r, QUIRK_FINE, "the memory was never nearly used up");
}

/* Lowering it needs CAP_SYS_RESOURCE in the first user namespace (fs/proc/base.c). */
enum quirk_outcome quirk_oom_score(struct quirk_world *w, struct quirk_result *r)
{
	char own[16], lower[16];
	long value;
	int e;

	if (file_read(w->root, "/proc/self/oom_score_adj", own, sizeof(own)) <= 0)
		return quirk_say(r, QUIRK_FAILED, "oom_score_adj cannot be read");
	value = strtol(own, NULL, 10);
	if (value <= -1000)
		return quirk_say(r, QUIRK_FINE,
				 "nothing in this container is ever killed for memory");
	format_text(lower, sizeof(lower), "%ld", value - 1);
	/* Of this worker, which ends after it. */
	e = file_set(w->root, "/proc/self/oom_score_adj", lower);
	if (e == 0)
		return quirk_say(r, QUIRK_FINE, "oom_score_adj can be lowered");
	if (e != -EACCES && e != -EPERM)
		return quirk_fail(r, e, "oom_score_adj cannot be written");
	r->error = -e;
	return quirk_say(
		r, QUIRK_REMEDIED,
		"oom_score_adj cannot be lowered: that of services is raised by default, so "
		"that the agent is killed last");
}
