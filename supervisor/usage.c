/*
 * usage.c - what the processes of a service use now: memory, processor time, how many they are.
 * Reads a few files of the kernel, and never waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "supervisor/cgroup.h"
#include "supervisor/manager.h"
#include "supervisor/processes.h"

#define USAGE_PIDS 4096

static int64_t resident(pid_t pid)
{
	char path[40];
	_cleanup_fclose_ FILE *f = NULL;
	long pages;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%*d %ld", &pages) != 1)
		return 0;
	return pages * sysconf(_SC_PAGESIZE);
}

static int64_t of_ticks(uint64_t ticks)
{
	return (int64_t)(ticks * (USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK)));
}

static void add_process(struct usage *usage, pid_t pid, uint64_t cpu_ticks)
{
	usage->tasks++;
	usage->memory += resident(pid);
	usage->cpu_us += of_ticks(cpu_ticks);
}

/* Without a cgroup all its processes cost a walk over /proc: else only the best known one. */
static void of_processes(struct service *s, bool thorough, struct usage *usage)
{
	const struct processes *list;
	struct process main;

	*usage = (struct usage){0};
	if (!thorough) {
		pid_t pid = task_pid(s->manager, s->main.slot >= 0 ? &s->main : &s->control);

		if (pid > 0 && process_read(pid, &main) == 0)
			add_process(usage, pid, main.cpu_ticks);
		return;
	}
	list = processes_get(s->manager, s->spawned_us);
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].owner == s)
			add_process(usage, list->v[i].pid, list->v[i].cpu_ticks);
}

static bool of_cgroup(struct service *s, struct usage *usage)
{
	_cleanup_free_ pid_t *pids = malloc(USAGE_PIDS * sizeof(*pids));
	int n = pids ? cgroup_pids(s->cgroup_fd, pids, USAGE_PIDS) : -1;

	if (n < 0)
		return false;
	*usage = (struct usage){
		.tasks = (unsigned)n,
		.memory = cgroup_memory(s->cgroup_fd),
		.cpu_us = cgroup_cpu(s->cgroup_fd),
	};
	/* The controller of memory is often not delegated. */
	if (usage->memory < 0) {
		usage->memory = 0;
		for (int i = 0; i < n; i++)
			usage->memory += resident(pids[i]);
	}
	return true;
}

void service_usage(struct service *s, bool thorough, struct usage *usage)
{
	*usage = (struct usage){.memory = -1, .cpu_us = -1};
	if (s->main.slot < 0 && s->control.slot < 0 && !s->machine.mainless)
		return;
	if (s->cgroup_fd < 0 || !of_cgroup(s, usage))
		of_processes(s, thorough, usage);
}
